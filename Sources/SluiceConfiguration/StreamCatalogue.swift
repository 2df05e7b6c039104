import DeviceProfiles

/// Gathers the streams that a configuration lists, or that its rules give settings of.
struct StreamCatalogue {
    private var streams: [StreamSettings] = []
    /// Where each stream got its settings.
    private var origins: [String: Origin] = [:]
    private let segmentBytes: Int

    private struct Origin {
        var place: SourceLocation
        var isListed: Bool
    }

    private enum DurabilityWord: String, CaseIterable {
        case fsync, interval, memory
    }

    private static let settingKeys = [
        "partitions", "durability", "interval", "retention", "cleanup", "tombstones", "compression", "sealing",
        "segment_size", "segment_age", "downlink",
    ]

    /// An empty catalogue whose streams have segments of `segmentBytes` unless they say otherwise.
    init(segmentBytes: Int) { self.segmentBytes = segmentBytes }

    /// Takes an element of `streams`.
    mutating func takeStream(_ section: SectionReader) {
        let name = section.required("name", .streamName)
        var stream = StreamSettings(name: name ?? "", segmentBytes: segmentBytes)
        Self.take(section, &stream)
        guard let name else { return }
        if let origin = origins[name] {
            section.report(
                at: section.valueLocation(of: "name"), "stream '\(name)' is already listed in line \(origin.place.line)"
            )
            return
        }
        origins[name] = Origin(place: section.location, isListed: true)
        streams.append(stream)
    }

    /// Takes an element of `rules`, and the settings of its stream when they are given there.
    mutating func takeRule(_ section: SectionReader) -> RuleSettings? {
        let from = section.required("from", .text("a topic pattern, such as sensors/{site}/{device}/#"))
        let name = section.required("stream", .streamName)
        let key = section.value("key", .text("a key template, such as \"{device}\"")) ?? "{topic}"
        var stream = StreamSettings(name: name ?? "", segmentBytes: segmentBytes)
        Self.take(section, &stream)
        guard let from, let name else { return nil }
        if let settingKey = Self.settingKeys.first(where: section.has) {
            takeSettings(of: stream, settingKey, section)
        }
        return RuleSettings(
            from: from, stream: name, key: key, fromLocation: section.valueLocation(of: "from"),
            streamLocation: section.valueLocation(of: "stream"), keyLocation: section.valueLocation(of: "key"))
    }

    /// Takes the stream of a device profile, by its name alone or with its settings; it needs to be listed nowhere
    /// else, since a profile is whole in itself.
    mutating func takeProfile(_ section: SectionReader) -> String? {
        guard section.isSection("stream") else {
            guard let name = section.required("stream", .streamName) else { return nil }
            if !streams.contains(where: { $0.name == name }) {
                streams.append(StreamSettings(name: name, segmentBytes: segmentBytes))
            }
            return name
        }
        var found: String?
        section.section("stream") { part in
            guard let name = part.required("name", .streamName) else { return }
            var stream = StreamSettings(name: name, segmentBytes: segmentBytes)
            Self.take(part, &stream)
            found = name
            if origins[name] == nil { streams.removeAll { $0.name == name } }
            if origins[name] != nil, streams.contains(stream) {
                // Two profiles that say the same of their stream say it together.
                return
            }
            if let settingKey = Self.settingKeys.first(where: part.has) {
                takeSettings(of: stream, settingKey, part)
            } else if origins[name] == nil {
                streams.append(stream)
            }
        }
        return found
    }

    /// Adds the streams of dead letters that the profiles need and that are not listed.
    mutating func addDeadLetters(of profiles: [DeviceProfile]) {
        for profile in profiles where profile.badPayload == .deadLetter {
            let name = DeviceProfile.deadLetterStream(of: profile.stream)
            guard !streams.contains(where: { $0.name == name }) else { continue }
            var stream = StreamSettings(name: name, segmentBytes: segmentBytes)
            // Long enough for somebody to come back from a holiday and look.
            stream.retention.age = .seconds(30 * 86_400)
            streams.append(stream)
        }
    }

    /// All streams, the catch-all at the end unless it is listed.
    ///
    /// A rule that names another one is reported: a slip of the pen would keep messages where nobody looks for them.
    func completed(with rules: [RuleSettings], _ diagnostics: SectionReader) -> [StreamSettings] {
        var all = streams
        if !all.contains(where: { $0.name == Configuration.catchAllStream }) {
            all.append(StreamSettings(name: Configuration.catchAllStream, segmentBytes: segmentBytes))
        }
        for rule in rules where !all.contains(where: { $0.name == rule.stream }) {
            let advice =
                Spelling.nearest(to: rule.stream, among: all.map(\.name)).map { "did you mean '\($0)'?" }
                ?? "list it there: '- name: \(rule.stream)'"
            diagnostics.report(
                at: rule.streamLocation, "the stream '\(rule.stream)' is not under 'streams'; \(advice)")
        }
        return all
    }

    private mutating func takeSettings(of stream: StreamSettings, _ settingKey: String, _ section: SectionReader) {
        guard let origin = origins[stream.name] else {
            origins[stream.name] = Origin(place: section.location, isListed: false)
            streams.append(stream)
            return
        }
        let here = section.location.file
        let place =
            origin.place.file != here
            ? "in \(origin.place.file):\(origin.place.line)"
            : "\(origin.isListed ? "under streams" : "by the rule") in line \(origin.place.line)"
        section.report(
            at: section.location(of: settingKey),
            "'\(settingKey)' of stream '\(stream.name)' is settled \(place); give it there")
    }

    private static func take(_ section: SectionReader, _ stream: inout StreamSettings) {
        if let count = section.value("partitions", .integer(1...10_000)) { stream.partitionCount = count }
        let word: DurabilityWord = section.value("durability", .choice()) ?? .fsync
        let interval = section.value("interval", .duration(.milliseconds(1) ... .seconds(60)))
        switch word {
        case .fsync: stream.durability = .fsync
        case .memory: stream.durability = .memory
        case .interval: stream.durability = .interval(interval ?? .milliseconds(100))
        }
        if section.has("interval"), word != .interval {
            section.report(at: section.location(of: "interval"), "'interval' goes with 'durability: interval' only")
        }
        section.section("retention") { retention in
            if let age = retention.value("age", Expectation.age.orUnlimited()) { stream.retention.age = age }
            if let size = retention.value("size", .storedSize) { stream.retention.byteCount = size }
        }
        takeCleanup(section, &stream)
        if let codec = section.value("compression", .choice()) as CompressionChoice? { stream.compression = codec }
        if let codec = section.value("sealing", .choice()) as CompressionChoice? { stream.sealing = codec }
        if let size = section.value("segment_size", .segmentSize) { stream.segmentBytes = size }
        if let age = section.value("segment_age", .age) { stream.segmentAge = age }
        if let template = section.value("downlink", .text("a topic, such as \"commands/{key}\"")) {
            stream.downlink = template
            stream.downlinkLocation = section.valueLocation(of: "downlink")
        }
    }

    private static func takeCleanup(_ section: SectionReader, _ stream: inout StreamSettings) {
        if let cleanup = section.value("cleanup", .choice()) as Cleanup? { stream.cleanup = cleanup }
        if let age = section.value("tombstones", .duration(.zero ... .seconds(36_500 * 86_400))) {
            stream.tombstoneAge = age
        }
        if section.has("tombstones"), stream.cleanup == .delete {
            section.report(
                at: section.location(of: "tombstones"), "'tombstones' goes with 'cleanup: compact' only")
        }
        if section.has("retention"), stream.cleanup == .compact {
            section.report(
                at: section.location(of: "retention"),
                "'cleanup: compact' removes nothing for its age or size; write 'cleanup: compact,delete' for both")
        }
    }
}

extension Expectation<Duration> {
    /// An age that records can reach.
    static var age: Expectation { duration(.seconds(60) ... .seconds(36_500 * 86_400)) }
}

extension Expectation<Int?> {
    /// What may be stored at most.
    static var storedSize: Expectation { Expectation<Int>.byteCount(1 << 20...1 << 50).orUnlimited() }
}
