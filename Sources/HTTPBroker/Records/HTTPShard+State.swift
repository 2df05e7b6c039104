import AccessControl
import Administration
import HTTPWire
import SluiceBroker
import SluiceCore
import TopicRouting

/// `GET /v1/state`: the last record of each topic at a moment.
extension HTTPShard {
    /// Values of an answer at most.
    private static let stateCountMax = 10_000

    func tellState(_ exchange: Exchange) {
        do throws(HTTPFault) {
            let filter = try Self.stateFilter(exchange.head.parameter("filter") ?? "#", settings.limits)
            let time = try stateTime(exchange.head.parameter("at") ?? "now")
            findState(exchange, filter, at: time) { result in
                switch result {
                case .success(let values): exchange.respond(.ok, .members(["values": .array(values)]))
                case .failure(let fault): exchange.fail(fault)
                }
            }
        } catch {
            exchange.fail(error)
        }
    }

    static func stateFilter(_ text: String, _ limits: Limits) throws(HTTPFault) -> [UInt8] {
        let filter = Array(text.utf8)
        do throws(TopicSyntaxError) {
            try FilterSyntax.check(filter: filter.span, limits: limits)
        } catch {
            throw HTTPFault(.badRequest, "filter '\(text)': \(error)")
        }
        return filter
    }

    func stateTime(_ text: String) throws(HTTPFault) -> Timestamp {
        guard case .time(let time)? = ReplayPosition(text, now: wallClock) else {
            throw HTTPFault(.badRequest, "at '\(text)': expected \(ReplayPosition.timeExpectation)")
        }
        return time
    }

    /// Finds a state; `done` hears of the topics that who asks may read.
    func findState(
        _ exchange: Exchange, _ filter: [UInt8], at time: Timestamp, done: @escaping (Result<[JSON], HTTPFault>) -> Void
    ) {
        lastStateNumber += 1
        let number = lastStateNumber
        let isTaken = settings.node.findState(filter, at: time.rawValue, number: number, wake: wake)
        guard isTaken else {
            return done(.failure(HTTPFault(.tooManyRequests, "too many ask for the past; try later")))
        }
        let rights = exchange.session?.rights
        stateWaiters[number] = { answer in
            switch answer {
            case .failed(let words): done(.failure(HTTPFault(.unavailable, words)))
            case .found(let values):
                let readable = values.filter { rights?.mayRead($0.topic.span).isAllowed ?? true }
                guard readable.count <= Self.stateCountMax else {
                    return done(
                        .failure(
                            HTTPFault(
                                .unprocessableContent,
                                "\(readable.count) topics match, and an answer has \(Self.stateCountMax) at most")))
                }
                done(.success(readable.map(\.document)))
            }
        }
    }

    /// Takes what has been found.
    func takeStates() {
        guard !stateWaiters.isEmpty else { return }
        for (number, answer) in settings.node.takeStates() { stateWaiters.removeValue(forKey: number)?(answer) }
    }
}
