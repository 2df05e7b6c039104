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
    }

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
        let simulated = profile.messages.filter { message in message.signals.contains { $0 != nil } }
        for message in simulated.isEmpty ? Array(profile.messages.prefix(1)) : simulated {
            var sources: [SignalSource?] = []
            for (field, signal) in zip(message.schema.fields, message.signals) {
                let range = field.range ?? -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
                sources.append(signal.map { SignalSource($0, within: range, seed: generator.next()) })
            }
            let topic = message.pattern.topic { $0 == own ? name : "\($0 ?? "level")1" }
            messages.append(Message(topic: topic, schema: message.schema, burst: message.burst, sources: sources))
        }
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
                var payload = PayloadWriter.payload(messages[index].schema, values)
                switch fault {
                case .truncated: payload.removeLast(min(payload.count, 1 + payload.count / 3))
                case .notUTF8: payload.insert(0xFF, at: payload.count / 2)
                case .wrongType, .outOfRange, nil: break
                }
                all.append((messages[index].topic, payload))
            }
        }
        return all
    }

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
            } else if field.isRequired || schema.format == .number || schema.format == .text {
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
