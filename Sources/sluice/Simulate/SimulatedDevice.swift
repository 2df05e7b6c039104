import DeviceProfiles
import PayloadFormats
import TopicRouting

/// One device that does not exist: its topics, its values, its counter.
struct SimulatedDevice {
    /// The device's name, in the topics' place for it.
    let name: String
    private var messages: [Message]
    private var sequence: Int64 = 0
    private var generator: SplitMix

    private struct Message {
        let topic: [UInt8]
        let schema: PayloadSchema
        let burst: Int
        var sources: [SignalSource?]
        /// Which of Sparkplug's it is, and the alias of its first metric.
        var sparkplug: (kind: SparkplugTopic.Kind, firstAlias: UInt64)?
    }

    /// What an edge node of Sparkplug counts; nil for other devices.
    private var session: SparkplugSession?

    /// What is wrong with a payload on purpose.
    enum Fault: CaseIterable {
        case truncated, notUTF8, wrongType, outOfRange
    }

    /// A device of `profile`.
    /// - Parameter seed: what its values are made of.
    init(_ profile: DeviceProfile, name: String, seed: UInt64) {
        self.name = name
        generator = SplitMix(seed)
        // The capture that the key ends with is the device's; others are the same for all.
        let own = Self.ownCapture(of: profile)
        messages = []
        var alias: UInt64 = 1
        for message in Self.simulated(of: profile) {
            var sources: [SignalSource?] = []
            for (field, signal) in zip(message.schema.fields, message.signals) {
                let range = field.range ?? -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
                sources.append(signal.map { SignalSource($0, within: range, seed: generator.next()) })
            }
            let topic = message.pattern.topic { $0 == own ? name : "\($0 ?? "level")1" }
            var simulated = Message(topic: topic, schema: message.schema, burst: message.burst, sources: sources)
            if message.schema.format == .sparkplug, let kind = SparkplugTopic(topic.span)?.kind {
                simulated.sparkplug = (kind, alias)
                alias += UInt64(message.schema.fields.count)
            }
            messages.append(simulated)
        }
        if let topic = messages.first(where: { $0.sparkplug != nil })?.topic { session = SparkplugSession(topic) }
    }

    /// The messages that a device publishes by its signals: those that have some, else the first. An edge node
    /// publishes all its data; its births and its death come of that.
    private static func simulated(of profile: DeviceProfile) -> [DeviceMessage] {
        let data = profile.messages.filter { message in
            guard message.schema.format == .sparkplug else { return false }
            let kind = SparkplugTopic(message.pattern.topic { _ in "x" }.span)?.kind
            return !message.schema.fields.isEmpty && (kind == .nodeData || kind == .deviceData)
        }
        guard data.isEmpty else { return data }
        let signalled = profile.messages.filter { message in message.signals.contains { $0 != nil } }
        return signalled.isEmpty ? Array(profile.messages.prefix(1)) : signalled
    }

    private static func ownCapture(of profile: DeviceProfile) -> String? {
        let names = profile.messages.first?.pattern.captureNames ?? []
        return names.last { profile.key.contains("{\($0)}") } ?? names.last
    }

    /// The device's next messages.
    /// - Parameters:
    ///   - seconds: since the simulation began, in simulated time.
    ///   - milliseconds: the device's clock.
    mutating func next(
        at seconds: Double, clock milliseconds: Int64, fault: Fault?
    ) -> [(topic: [UInt8], payload: [UInt8])] {
        var all: [(topic: [UInt8], payload: [UInt8])] = []
        for index in messages.indices {
            for _ in 0..<messages[index].burst {
                let values = values(index, at: seconds, clock: milliseconds, fault: fault)
                var payload = self.payload(index, values, isBirth: false, clock: milliseconds)
                switch fault {
                case .truncated: payload.removeLast(min(payload.count, 1 + payload.count / 3))
                case .notUTF8: payload.insert(0xFF, at: messages[index].sparkplug == nil ? payload.count / 2 : 0)
                case .wrongType, .outOfRange, nil: break
                }
                all.append((messages[index].topic, payload))
            }
        }
        return all
    }

    private mutating func payload(
        _ index: Int, _ values: [PayloadWriter.Value?], isBirth: Bool, clock milliseconds: Int64
    ) -> [UInt8] {
        let schema = messages[index].schema
        guard let (kind, firstAlias) = messages[index].sparkplug else { return PayloadWriter.payload(schema, values) }
        var metrics: [SparkplugWriter.Metric] = []
        if isBirth, kind == .nodeData, let session { metrics = [session.number] }
        for (place, (field, value)) in zip(schema.fields, values).enumerated() {
            guard let value else { continue }
            metrics.append(
                SparkplugWriter.Metric(
                    name: isBirth ? field.path : nil, alias: firstAlias + UInt64(place),
                    datatype: SparkplugWriter.Datatype(field.type), value: value))
        }
        return SparkplugWriter.payload(metrics, at: milliseconds, sequence: session?.next())
    }

    // MARK: Sparkplug

    /// What the broker is to say when the connection is lost that is about to be made: an edge node's death. Each
    /// connection is another session of the node. Nil for devices without.
    mutating func death(clock milliseconds: Int64) -> (topic: [UInt8], payload: [UInt8])? {
        session?.begin()
        guard let session else { return nil }
        let payload = SparkplugWriter.payload([session.number], at: milliseconds, sequence: nil)
        return (session.topic(.nodeDeath), payload)
    }

    /// What an edge node says first: its birth, and that of its device, with a name and an alias for each metric.
    mutating func births(at seconds: Double, clock milliseconds: Int64) -> [(topic: [UInt8], payload: [UInt8])] {
        guard let session else { return [] }
        var all: [(topic: [UInt8], payload: [UInt8])] = []
        if !messages.contains(where: { $0.sparkplug?.kind == .nodeData }) {
            let payload = SparkplugWriter.payload(
                [session.number], at: milliseconds, sequence: self.session?.next())
            all.append((session.topic(.nodeBirth), payload))
        }
        let order = messages.indices.sorted { isNode($0) && !isNode($1) }
        for index in order {
            let values = values(index, at: seconds, clock: milliseconds, fault: nil)
            let payload = payload(index, values, isBirth: true, clock: milliseconds)
            let kind: SparkplugTopic.Kind = isNode(index) ? .nodeBirth : .deviceBirth
            all.append((SparkplugSession.topic(messages[index].topic, as: kind), payload))
        }
        return all
    }

    private func isNode(_ index: Int) -> Bool { messages[index].sparkplug?.kind == .nodeData }

    // MARK: Values

    private mutating func values(
        _ index: Int, at seconds: Double, clock milliseconds: Int64, fault: Fault?
    ) -> [PayloadWriter.Value?] {
        let schema = messages[index].schema
        var values: [PayloadWriter.Value?] = []
        for (place, field) in schema.fields.enumerated() {
            var value: PayloadWriter.Value?
            if place == schema.sequenceField {
                sequence += 1
                value = .integer(sequence)
            } else if case .time(let unit) = field.type {
                value = .time(milliseconds, unit)
            } else if messages[index].sources[place] != nil {
                value = Self.value(messages[index].sources[place]?.next(at: seconds), field)
            } else if field.isRequired || [.number, .text, .sparkplug].contains(schema.format) {
                value = Self.anyValue(field)
            }
            if fault == .wrongType, field.type == .number { value = .text("?") }
            if fault == .outOfRange, let range = field.range, field.type == .number {
                value = .number(range.upperBound + 1, digits: 1)
            }
            values.append(value)
        }
        return values
    }

    private static func value(_ signal: SignalSource.Value?, _ field: PayloadField) -> PayloadWriter.Value? {
        switch signal {
        case .absent, nil: nil
        case .word(let word): field.type == .boolean ? .boolean(word == "true") : .text(word)
        case .number(let number, let digits):
            switch field.type {
            case .integer: .integer(Int64(number.rounded()))
            case .boolean: .boolean(number > 0.5)
            case .text: .text(String(number))
            case .number, .time: .number(number, digits: digits)
            }
        }
    }

    private static func anyValue(_ field: PayloadField) -> PayloadWriter.Value {
        switch (field.type, field.enumeration) {
        case (_, .texts(let words)?): .text(words.first ?? "")
        case (_, .numbers(let numbers)?): .number(numbers.first ?? 0, digits: 6)
        case (.boolean, _): .boolean(true)
        case (.text, _): .text("simulated")
        case (.integer, _): .integer(field.range.map { Int64($0.lowerBound.rounded(.up)) } ?? 1)
        case (.number, _), (.time, _): .number(field.range.map { ($0.lowerBound + $0.upperBound) / 2 } ?? 1, digits: 2)
        }
    }

    /// A fault, each as often as the others.
    mutating func anyFault() -> Fault {
        Fault.allCases[Int(generator.next() % UInt64(Fault.allCases.count))]
    }

    /// Whether something happens that happens to a part of all messages.
    mutating func happens(_ part: Double) -> Bool { part > 0 && generator.unit() < part }
}
