import DeviceProfiles
import SluiceCore

extension Configuration {
    /// The environment variables that override a setting, in the order of the settings.
    package static var environmentNames: [String] { EnvironmentOverlay.paths.map(EnvironmentOverlay.name(of:)) }

    /// Reads a configuration.
    /// - Parameters:
    ///   - text: the YAML text, UTF-8.
    ///   - file: its name in errors.
    ///   - environment: `SLUICE_…` variables override single settings.
    /// - Throws: everything wrong with it; nothing of it may be used.
    package static func read(
        _ text: [UInt8], file: String, environment: [String: String] = [:]
    ) throws(ConfigurationErrors) -> Configuration {
        let diagnostics = Diagnostics()
        var root: YAMLNode
        do throws(ConfigurationError) {
            let start = SourceLocation(file: file, line: 1, column: 1)
            root =
                try YAMLReader.read(text, file: file, diagnostics) ?? YAMLNode(content: .mapping([]), location: start)
        } catch {
            throw ConfigurationErrors(diagnostics.errors + [error])
        }
        EnvironmentOverlay.apply(environment, to: &root, diagnostics)
        var configuration = Configuration()
        if let reader = SectionReader(root, diagnostics) {
            configuration.take(reader, diagnostics)
            reader.finish()
        }
        if !diagnostics.errors.isEmpty { throw ConfigurationErrors(diagnostics.errors) }
        return configuration
    }

    private mutating func take(_ root: SectionReader, _ diagnostics: Diagnostics) {
        security.take(root)
        root.section("limits") { limits.take($0) }
        root.section("listeners") { listeners.take($0, hasKeys: security.pskFile != nil, limits) }
        if root.has("bans") { root.section("bans") { bans = BanOptions($0) } }
        root.section("kafka") { section in
            if let creates = section.value("auto_create", .boolean) { kafka.createsTopics = creates }
        }
        if let data = root.value("data", .text("a directory")) { dataDirectory = data }
        if let loops = root.value("loops", .integer(0...1024)) { loopCount = loops }
        if let size = root.value("memory", .byteCount(64 << 20...1 << 44)) { memoryBytes = size }
        var isWritten = (journal: false, segment: false, reserve: false)
        root.section("journal") { section in
            if let size = section.value("file_size", .byteCount(1 << 20...1 << 34)) {
                journal.fileBytes = size
                isWritten.journal = true
            }
            if let delay = section.value("commit_delay", .duration(.zero ... .milliseconds(10))) {
                journal.commitDelay = delay
            }
        }
        root.section("log") { section in
            if let memory = section.value("tail_memory", .byteCount(1 << 20...1 << 40)) { log.tailBytes = memory }
            if let size = section.value("segment_size", .segmentSize) {
                log.segmentBytes = size
                isWritten.segment = true
            }
            if let size = section.value("retention_size", .storedSize) { log.retentionBytes = size }
            if let size = section.value("reserve", .byteCount(0...1 << 40)) {
                log.reserveBytes = size
                isWritten.reserve = true
            }
            if let size = section.value("quota", .storedSize) {
                log.quotaBytes = size
                if let size { fitQuota(size, section, isWritten) }
            }
        }
        root.sections("refuse") { section in
            let filter = section.required("subscribe", .text("a topic filter, such as secret/#"))
            if let filter { limits.refusedFilters.append(Array(filter.utf8)) }
        }
        if root.has("access"), let file = security.aclFile {
            root.report(
                at: root.location(of: "access"),
                "'access' and 'acl_file' (line \(file.location.line)) both say who may do what; one of them is enough")
        }
        if root.has("access") { root.section("access") { access = AccessSection($0) } }
        root.section("logging") { section in
            if let level = section.value("level", .choice()) as LogLevel? { logging.level = level }
            if let format = section.value("format", .choice()) as LogFormat? { logging.format = format }
            section.section("parts") { parts in
                for part in LogPart.allCases {
                    if let level = parts.value(part.rawValue, .choice()) as LogLevel? { logging.parts[part] = level }
                }
            }
        }
        if root.has("audit") { root.section("audit") { audit = AuditSettings($0) } }
        takeStreams(root, diagnostics)
        takeBridges(root)
    }

    /// Lets what is not written follow from the quota, and reports one that is too small for what is.
    private mutating func fitQuota(
        _ quota: Int, _ section: SectionReader, _ isWritten: (journal: Bool, segment: Bool, reserve: Bool)
    ) {
        if !isWritten.journal {
            journal.fileBytes = QuotaDefaults.journalFileBytes(quota, default: journal.fileBytes)
        }
        if !isWritten.reserve { log.reserveBytes = QuotaDefaults.reserveBytes(quota, default: log.reserveBytes) }
        if !isWritten.segment { log.segmentBytes = QuotaDefaults.segmentBytes(quota, default: log.segmentBytes) }
        let least = QuotaDefaults.least(journalFileBytes: journal.fileBytes, reserveBytes: log.reserveBytes)
        guard quota < least else { return }
        section.report(
            at: section.valueLocation(of: "quota"),
            "'quota': with six journal files of \(journal.fileBytes) bytes ('journal: file_size') and "
                + "\(log.reserveBytes) bytes of 'reserve' nothing could be stored; "
                + "the least that works is \(least) bytes")
    }

    private mutating func takeBridges(_ root: SectionReader) {
        root.sections("bridges") { section in
            guard let bridge = BridgeConfiguration(section) else { return }
            if let other = bridges.first(where: { $0.name == bridge.name }) {
                return section.report(
                    at: section.valueLocation(of: "name"),
                    "the bridge '\(bridge.name)' is already listed in line \(other.location.line)")
            }
            bridges.append(bridge)
        }
    }

    /// Reads streams and rules, which together say what streams there are.
    private mutating func takeStreams(_ root: SectionReader, _ diagnostics: Diagnostics) {
        var catalogue = StreamCatalogue(segmentBytes: log.segmentBytes)
        root.sections("streams") { catalogue.takeStream($0) }
        takeProfiles(root, diagnostics, &catalogue)
        root.sections("rules") { section in
            if let rule = catalogue.takeRule(section) { rules.append(rule) }
        }
        streams = catalogue.completed(with: rules, root)
        let (count, most) = (
            streams.reduce(0) { $0 + $1.partitionCount }, Limits.partitionsMax - Limits.ownPartitionsMax
        )
        guard count > most else { return }
        root.report(
            at: root.location(of: "streams"), "'streams': \(count) partitions in all, and a node has \(most) at most")
    }
}

extension Configuration {
    /// Reads the device profiles, each in a file of its own.
    private mutating func takeProfiles(
        _ root: SectionReader, _ diagnostics: Diagnostics, _ catalogue: inout StreamCatalogue
    ) {
        guard let directory = root.value("devices", .text("the directory of device profiles")) else { return }
        devicesDirectory = directory
        var reader = ProfileReader(limits: limits)
        do throws(ConfigurationError) {
            for path in try ProfileFiles.paths(in: directory, at: root.valueLocation(of: "devices")) {
                takeProfile(path, &reader, diagnostics, &catalogue)
            }
        } catch {
            diagnostics.report(error)
        }
        reader.finish(diagnostics)
        profiles = reader.profiles
        catalogue.addDeadLetters(of: profiles)
    }

    private func takeProfile(
        _ path: String, _ reader: inout ProfileReader, _ diagnostics: Diagnostics, _ catalogue: inout StreamCatalogue
    ) {
        do throws(ConfigurationError) {
            let start = SourceLocation(file: path, line: 1, column: 1)
            let text = try Self.contents(of: path)
            guard let node = try YAMLReader.read(text, file: path, diagnostics) else {
                throw ConfigurationError(at: start, "a profile is expected here, and the file is empty")
            }
            guard let section = SectionReader(node, diagnostics) else { return }
            reader.take(section, stem: ProfileFiles.stem(path), into: &catalogue)
            section.finish()
        } catch {
            diagnostics.report(error)
        }
    }
}

extension Expectation<Int> {
    /// A segment's size: large enough for the largest packet, small enough for 32-bit positions in its index.
    static var segmentSize: Expectation { byteCount(1 << 20...1 << 30) }
}
