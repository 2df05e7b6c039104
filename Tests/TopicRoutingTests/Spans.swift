import SluiceCore
import TopicRouting

/// The routing API on strings, for tests: the sources take borrowed bytes.
func matches(_ filter: String, _ topic: String) -> Bool {
    let filter = Array(filter.utf8)
    let topic = Array(topic.utf8)
    return FilterSyntax.matches(filter: filter.span, topic: topic.span)
}

func filterError(_ filter: String, limits: Limits = Limits()) -> TopicSyntaxError? {
    let bytes = Array(filter.utf8)
    do throws(TopicSyntaxError) {
        try FilterSyntax.check(filter: bytes.span, limits: limits)
        return nil
    } catch {
        return error
    }
}

func topicError(_ topic: String, limits: Limits = Limits()) -> TopicSyntaxError? {
    let bytes = Array(topic.utf8)
    do throws(TopicSyntaxError) {
        try FilterSyntax.check(topic: bytes.span, limits: limits)
        return nil
    } catch {
        return error
    }
}

extension RuleSet {
    func resolve(_ topic: String) -> Resolution {
        let bytes = Array(topic.utf8)
        return resolve(bytes.span)
    }

    func explain(_ topic: String) -> Explanation {
        let bytes = Array(topic.utf8)
        return explain(bytes.span)
    }
}

extension Resolution {
    var keyText: String { String(decoding: key, as: UTF8.self) }
    var captureTexts: [String] { captures.map { "\($0.name)=\($0.value)" } }
}

/// Every sequence of one to `lengthMax` of `letters`, as levels of a topic or filter.
func paths(of letters: [String], lengthMax: Int) -> [String] {
    var all: [String] = []
    var last = letters
    for _ in 0..<lengthMax {
        all += last
        last = last.flatMap { head in letters.map { "\(head)/\($0)" } }
    }
    return all
}
