import DeviceProfiles
import PayloadFormats
import SluiceCore
import TopicRouting

/// Reads device profiles, and reports what is wrong with them.
struct ProfileReader {
    private(set) var profiles: [DeviceProfile] = []
    /// Where each message's topic is written, profile by profile.
    private var topicLocations: [[SourceLocation]] = []
    private let limits: Limits

    /// A reader of topics within `limits`.
    init(limits: Limits) { self.limits = limits }

    /// Takes one profile.
    /// - Parameters:
    ///   - stem: its file's name, which is the profile's unless it says another.
    ///   - catalogue: gets the settings of its stream.
    mutating func take(_ section: SectionReader, stem: String, into catalogue: inout StreamCatalogue) {
        let name = section.value("name", .profileName) ?? stem
        let stream = catalogue.takeProfile(section)
        let key = section.value("key", .text("a key template, such as \"{device}\"")) ?? "{device}"
        let interval = section.value("interval", .duration(.milliseconds(10) ... .seconds(366 * 86_400)))
        let patience = section.value("silent_after", .integer(1...1000))
        let badPayload: BadPayload? = section.value("bad_payload", .choice())
        let skew = section.value("max_skew", .duration(.seconds(1) ... .seconds(3660 * 86_400)))
        let gateway = section.value("devices_per_gateway", .integer(1...10_000))
        if let other = profiles.first(where: { $0.name == name }) {
            section.report(
                at: section.valueLocation(of: "name"), "the profile '\(name)' is already given in \(other.place)")
        }
        let (messages, locations) = messages(section, key)
        if patience != nil, interval == nil {
            section.report(
                at: section.location(of: "silent_after"), "'silent_after' counts intervals; 'interval' is missing")
        }
        if skew != nil, !messages.isEmpty, messages.allSatisfy({ $0.schema.deviceTimeField == nil }) {
            section.report(
                at: section.location(of: "max_skew"),
                "'max_skew' bounds the device's own time; no field has 'role: device-time'")
        }
        guard let stream, !messages.isEmpty else { return }
        let place = "\(section.location.file):\(section.location.line)"
        var profile = DeviceProfile(name: name, stream: stream, key: key, messages: messages, place: place)
        profile.interval = interval
        if let patience { profile.patience = patience }
        if let badPayload { profile.badPayload = badPayload }
        profile.skewMax = skew
        if let gateway { profile.devicesPerGateway = gateway }
        profiles.append(profile)
        topicLocations.append(locations)
    }

    /// Reports topics that two messages have, once everything was read.
    func finish(_ diagnostics: Diagnostics) {
        guard let (first, second) = ProfileSet.overlap(profiles) else { return }
        let place = topicLocations[first.profileIndex][first.messageIndex]
        let (before, pattern) = (
            profiles[first.profileIndex].messages[first.messageIndex].pattern,
            profiles[second.profileIndex].messages[second.messageIndex].pattern
        )
        diagnostics.report(
            at: topicLocations[second.profileIndex][second.messageIndex],
            "'\(pattern.text)' and '\(before.text)' (\(place.file):\(place.line)) have topics in common; a topic "
                + "belongs to one message of one profile")
    }

    // MARK: Messages

    private func messages(_ section: SectionReader, _ key: String) -> ([DeviceMessage], [SourceLocation]) {
        var messages: [DeviceMessage] = []
        var locations: [SourceLocation] = []
        func take(_ part: SectionReader) {
            guard let message = message(part, key, keyAt: section.valueLocation(of: "key")) else { return }
            messages.append(message)
            locations.append(part.valueLocation(of: "topic"))
        }
        if section.has("topics") {
            section.sections("topics", take)
            for name in Self.messageKeys where section.has(name) {
                section.report(
                    at: section.location(of: name), "'\(name)' belongs to one of 'topics' where there are several")
            }
        } else {
            take(section)
        }
        return (messages, locations)
    }

    private static let messageKeys = ["topic", "format", "fields", "separator", "quote", "burst"]

    private func message(_ section: SectionReader, _ key: String, keyAt keyLocation: SourceLocation) -> DeviceMessage? {
        let topic = section.required("topic", .text("a topic pattern, such as sensors/{site}/{device}/temperature"))
        let format: PayloadFormat = section.value("format", .choice()) ?? .raw
        var delimiters = Delimiters()
        let (separator, quote) = (section.value("separator", .separator), section.value("quote", .separator))
        if separator != nil || quote != nil {
            if format != .delimited {
                section.report(
                    at: section.location(of: separator != nil ? "separator" : "quote"),
                    "'separator' and 'quote' go with 'format: delimited' only")
            }
            delimiters = Delimiters(separator: separator ?? delimiters.separator, quote: quote)
        }
        let burst = section.value("burst", .integer(1...10_000))
        var reader = FieldReader()
        section.section("fields") { fields in
            for (name, _) in fields.names() { reader.take(name, of: fields) }
        }
        guard let topic else { return nil }
        let pattern: TopicPattern
        do throws(RuleError) {
            pattern = try TopicPattern(topic, limits: limits)
            _ = try KeyTemplate(key, captureNames: pattern.captureNames)
        } catch {
            let isKey = error.field == .key && keyLocation.line > 0
            section.report(
                at: isKey ? keyLocation : section.valueLocation(of: "topic"), error.description)
            return nil
        }
        do throws(SchemaFault) {
            let schema = try PayloadSchema(format: format, fields: reader.fields(of: format), delimiters: delimiters)
            var message = DeviceMessage(
                pattern: pattern, schema: schema, signals: reader.signals)
            if let burst { message.burst = burst }
            return message
        } catch {
            let index = error.field.map { min($0, reader.locations.count - 1) } ?? -1
            let place = index >= 0 ? reader.locations[index] : section.location(of: "fields")
            section.report(at: place, error.description)
            return nil
        }
    }
}

/// Reads the fields of a message.
struct FieldReader {
    private var fields: [PayloadField] = []
    private(set) var signals: [Signal?] = []
    private(set) var locations: [SourceLocation] = []

    private enum TypeWord: String, CaseIterable {
        case number, integer, boolean, text, time
    }

    /// The fields of a payload of `format`: a number or a text is its one field, whatever that is called.
    func fields(of format: PayloadFormat) -> [PayloadField] {
        switch format {
        case .json, .cbor, .sparkplug, .delimited, .raw: return fields
        case .number, .text:
            return fields.map { field in
                var whole = field
                if whole.path == whole.name { whole.path = "" }
                return whole
            }
        }
    }

    /// Takes the field `name` of `parent`.
    mutating func take(_ name: String, of parent: SectionReader) {
        let location = parent.location(of: name)
        guard parent.isSection(name) else {
            // A type alone.
            guard let word: TypeWord = parent.required(name, .choice()) else { return }
            return add(PayloadField(name: name, path: name, type: Self.type(word, .seconds)), nil, location)
        }
        parent.section(name) { section in
            let word: TypeWord = section.required("type", .choice()) ?? .number
            let unit: TimeUnit = section.value("as", .choice()) ?? .seconds
            if section.has("as"), word != .time {
                section.report(at: section.location(of: "as"), "'as' says how a time is written, and goes with it only")
            }
            let path = section.value("path", .text("where it is, such as ENERGY.Power")) ?? name
            var field = PayloadField(name: name, path: path, type: Self.type(word, unit))
            field.unit = section.value("unit", .text("a unit, such as °C"))
            if let isRequired = section.value("required", .boolean) { field.isRequired = isRequired }
            if let role: FieldRole = section.value("role", .choice()) { field.role = role }
            field.range = range(section)
            field.enumeration = enumeration(section, isText: word == .text)
            add(field, SignalReader.signal(section), location)
        }
    }

    private mutating func add(_ field: PayloadField, _ signal: Signal?, _ location: SourceLocation) {
        fields.append(field)
        signals.append(signal)
        locations.append(location)
    }

    private static func type(_ word: TypeWord, _ unit: TimeUnit) -> FieldType {
        switch word {
        case .number: .number
        case .integer: .integer
        case .boolean: .boolean
        case .text: .text
        case .time: .time(unit)
        }
    }

    private func range(_ section: SectionReader) -> ClosedRange<Double>? {
        guard section.has("range") else { return nil }
        let bounds = section.list("range", .number).map(\.value)
        guard bounds.count == 2, bounds[0] <= bounds[1] else {
            section.report(
                at: section.valueLocation(of: "range"), "'range': expected the least and the most, such as [-40, 125]")
            return nil
        }
        return bounds[0]...bounds[1]
    }

    private func enumeration(_ section: SectionReader, isText: Bool) -> PayloadField.Enumeration? {
        guard section.has("one_of") else { return nil }
        if isText { return .texts(section.list("one_of", .text("a word that the field may have")).map(\.value)) }
        return .numbers(section.list("one_of", .number).map(\.value))
    }
}

/// Reads what a field does in a simulation.
enum SignalReader {
    /// The signal that a field's section asks for.
    static func signal(_ field: SectionReader) -> Signal? {
        var signal: Signal?
        field.section("signal") { section in
            let courses = ["constant", "sine", "walk", "step", "words"].filter(section.has)
            guard courses.count == 1, let course = course(section) else {
                if courses.count != 1 {
                    section.report(
                        at: section.location,
                        "a signal is one of constant, sine, walk, step and words, found "
                            + (courses.isEmpty ? "none" : courses.joined(separator: " and ")))
                }
                return
            }
            var found = Signal(course)
            if let noise = section.value("noise", .number) { found.noise = noise }
            if let part = section.value("dropout", .part) { found.dropout = part }
            if let digits = section.value("digits", .integer(0...15)) { found.digits = digits }
            signal = found
        }
        return signal
    }

    private static func course(_ section: SectionReader) -> Signal.Course? {
        if section.has("constant") { return section.value("constant", .number).map { .constant($0) } }
        if section.has("words") {
            let words = section.list("words", .text("a word")).map(\.value)
            return words.isEmpty ? nil : .words(words)
        }
        var course: Signal.Course?
        let period = Expectation.duration(.milliseconds(1) ... .seconds(366 * 86_400))
        section.section("sine") { part in
            let (mean, amplitude) = (part.required("mean", .number), part.required("amplitude", .number))
            guard let period = part.required("period", period), let mean, let amplitude else { return }
            course = .sine(mean: mean, amplitude: amplitude, period: period)
        }
        section.section("walk") { part in
            let (start, step) = (part.required("start", .number), part.required("step", .number))
            if let start, let step { course = .randomWalk(start: start, step: step) }
        }
        section.section("step") { part in
            let (values, every) = (part.list("values", .number).map(\.value), part.required("every", period))
            if let every, !values.isEmpty { course = .step(values: values, every: every) }
        }
        return course
    }
}

extension Expectation<Double> {
    /// A finite number.
    static var number: Expectation {
        Expectation(description: "a number, such as -12.5") { text in
            guard let number = Double(text), number.isFinite else { return nil }
            return number
        }
    }

    /// A part of the whole.
    static var part: Expectation {
        Expectation(description: "a number from 0 to 1") { text in
            guard let number = Double(text), (0...1).contains(number) else { return nil }
            return number
        }
    }
}

extension Expectation<UInt8> {
    /// One ASCII character.
    static var separator: Expectation {
        Expectation(description: "one character, such as \";\"; tab for a tab", takesQuoted: true) { text in
            if text == "tab" { return UInt8(ascii: "\t") }
            guard text.utf8.count == 1, let byte = text.utf8.first, byte >= 0x20, byte < 0x7F else { return nil }
            return byte
        }
    }
}

extension Expectation<String> {
    /// A profile's name.
    static var profileName: Expectation {
        Expectation(description: "a name of letters, digits, '.', '_' and '-'", takesQuoted: true) { text in
            StreamName.isValid(text) && text.utf8.count <= 64 ? text : nil
        }
    }
}
