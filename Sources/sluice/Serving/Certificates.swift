import AccessControl
import CommitLogPosix
import Cryptography
import Glibc
import HTTPWire
import SluiceBroker
import SluiceConfiguration
import SluiceCore
import SluiceNode
import SluiceTransport

/// What the TLS listeners of a configuration prove themselves with, read and checked.
struct Certificates {
    /// What one listener has.
    struct Entry {
        /// What clients are shown, or asked for.
        enum Evidence: Equatable {
            /// A certificate.
            case certificate(TLSSettings, TLSMaterial)
            /// Keys that both sides have.
            case keys(SharedKeyFile)
        }

        let kind: ListenerKind
        let evidence: Evidence
        let context: TLSContext

        /// What it is called in lines for people.
        var title: String {
            switch evidence {
            case .certificate: "certificate"
            case .keys: "pre-shared keys"
            }
        }

        /// What several of it are called.
        var plural: String {
            switch evidence {
            case .certificate: "certificates"
            case .keys: "pre-shared keys"
            }
        }

        /// Whose certificate it is, and for how long; or how many keys there are.
        var summary: String {
            switch evidence {
            case .certificate: "\(context.subject), until \(RFC3339.text(context.expirySeconds * 1000))"
            case .keys(let file): "\(file.identities.count) identities"
            }
        }
    }

    let entries: [Entry]

    /// Reads the files that a configuration's listeners name.
    /// - Throws: everything wrong with them, each with the place where it is named.
    init(_ configuration: Configuration) throws(ConfigurationErrors) {
        var entries: [Entry] = []
        var errors: [ConfigurationError] = []
        let listeners = configuration.listeners
        for (kind, listener) in [
            (ListenerKind.mqtts, listeners.mqtts), (.wss, listeners.wss), (.kafkas, listeners.kafkas),
            (.https, listeners.https),
        ] {
            guard let listener else { continue }
            if let settings = listener.tls {
                guard let material = Self.material(settings, &errors) else { continue }
                do throws(TLSMaterialError) {
                    let context = try TLSContext(material)
                    entries.append(Entry(kind: kind, evidence: .certificate(settings, material), context: context))
                } catch {
                    errors.append(Self.explain(error, settings))
                }
            } else if let file = listeners.security[kind.rawValue]?.pskFile ?? configuration.security.pskFile,
                let keys = Self.keys(file, &errors)
            {
                let shared = TLSSharedKeys { keys.key(of: $0) }
                do throws(TLSMaterialError) {
                    entries.append(
                        Entry(kind: kind, evidence: .keys(keys), context: try TLSContext(sharedKeys: shared)))
                } catch {
                    errors.append(ConfigurationError(at: file.location, "'psk_file': \(error.reason)"))
                }
            }
        }
        // Two listeners may share their files, and then their faults.
        var told: [ConfigurationError] = []
        for error in errors where !told.contains(error) { told.append(error) }
        if !told.isEmpty { throw ConfigurationErrors(told) }
        self.entries = entries
    }

    /// The context of a listener of this kind.
    func context(of kind: ListenerKind) -> TLSContext? { entries.first { $0.kind == kind }?.context }

    /// What an operator should look at: certificates that have ended or soon will.
    var warnings: [LogLine] {
        let now = WallClock.milliseconds() / 1000
        return entries.compactMap { (entry) -> LogLine? in
            guard case .certificate(let settings, _) = entry.evidence else { return nil }
            let left = entry.context.expirySeconds - now
            guard left < 14 * 86_400 else { return nil }
            let when = RFC3339.text(entry.context.expirySeconds * 1000)
            return LogLine(
                .certificateEnding,
                "\(settings.certificate.path, as: .path): the certificate "
                    + "\(left < 0 ? "has ended" : "ends") at \(when)")
        }
    }

    private static func keys(_ file: NamedFile, _ errors: inout [ConfigurationError]) -> SharedKeyFile? {
        do throws(FileText.Failure) {
            let text = try FileText.read(file.path, byteCountMax: 64 << 20)
            do throws(SecurityFileError) { return try SharedKeyFile.parse(text, file: file.path) } catch {
                let place = SourceLocation(file: error.file, line: error.line, column: 1)
                errors.append(ConfigurationError(at: place, error.message))
            }
        } catch {
            errors.append(ConfigurationError(at: file.location, "'psk_file': '\(file.path)' \(error.description)"))
        }
        return nil
    }

    private static func material(_ settings: TLSSettings, _ errors: inout [ConfigurationError]) -> TLSMaterial? {
        func read(_ file: NamedFile, _ setting: String) -> [UInt8]? {
            do throws(FileText.Failure) { return try FileText.read(file.path, byteCountMax: 4 << 20) } catch {
                errors.append(
                    ConfigurationError(at: file.location, "'\(setting)': '\(file.path)' \(error.description)"))
                return nil
            }
        }
        let certificate = read(settings.certificate, "certificate")
        let key = read(settings.key, "key")
        let authorities = settings.clientAuthorities.map { read($0, "client_ca") }
        let revocations = settings.revocations.map { read($0, "crl") }
        guard let certificate, let key else { return nil }
        var material = TLSMaterial(certificateChain: certificate, privateKey: key)
        if let authorities {
            guard let authorities else { return nil }
            material.clientAuthorities = authorities
        }
        if let revocations {
            guard let revocations else { return nil }
            material.revocations = revocations
        }
        material.requiresClientCertificate = settings.requiresCertificate
        material.leastVersion =
            switch settings.leastVersion {
            case .v12: .v12
            case .v13: .v13
            }
        material.ciphers = settings.ciphers
        return material
    }

    private static func explain(_ error: TLSMaterialError, _ settings: TLSSettings) -> ConfigurationError {
        func fault(_ setting: String, _ file: NamedFile) -> ConfigurationError {
            ConfigurationError(at: file.location, "'\(setting)': '\(file.path)' \(error.reason)")
        }
        switch error.part {
        case .certificateChain: return fault("certificate", settings.certificate)
        case .privateKey: return fault("key", settings.key)
        case .clientAuthorities: return fault("client_ca", settings.clientAuthorities ?? settings.certificate)
        case .revocations: return fault("crl", settings.revocations ?? settings.certificate)
        case .ciphers: return ConfigurationError(at: settings.ciphersLocation, "'ciphers': \(error.reason)")
        }
    }
}

/// Small files, read whole.
enum FileText {
    /// Why a file was not read, in words that follow its name.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The bytes of the file at `path`, when they are no more than `byteCountMax`.
    static func read(_ path: String, byteCountMax: Int) throws(Failure) -> [UInt8] {
        guard let file = fopen(path, "re") else { throw unreadable() }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk.prefix(count)
            guard bytes.count <= byteCountMax else {
                throw Failure(description: "is larger than \(byteCountMax) bytes")
            }
        }
        if ferror(file) != 0 { throw unreadable() }
        return bytes
    }

    private static func unreadable() -> Failure {
        Failure(description: "cannot be read: \(String(cString: strerror(errno)))")
    }
}

extension ListenerSettings {
    /// The names by which those that speak HTTP may be asked.
    var hosts: [String: HostNames] {
        var hosts: [String: HostNames] = [:]
        for (kind, address) in addresses where kind == .http || kind == .https {
            hosts[kind.rawValue] = HostNames(host: address.host, names: names[kind.rawValue] ?? [])
        }
        return hosts
    }

    /// Every place to listen, with its certificates.
    func endpoints(_ certificates: Certificates) -> [ListenerEndpoint] {
        addresses.map { kind, address in
            var endpoint = kind.endpoint(
                host: address.host, port: address.port, tls: certificates.context(of: kind))
            endpoint.proxies = proxies[kind.rawValue] ?? []
            return endpoint
        }
    }

    /// Whether clients of a listener prove themselves with pre-shared keys.
    func isKeyed(_ kind: ListenerKind) -> Bool {
        switch kind {
        case .mqtts: mqtts.map { $0.tls == nil } ?? false
        case .wss: wss.map { $0.tls == nil } ?? false
        case .kafkas: kafkas.map { $0.tls == nil } ?? false
        case .https: https.map { $0.tls == nil } ?? false
        case .mqtt, .ws, .kafka, .http: false
        }
    }

    /// Every place to listen, in the order in which they are told.
    var addresses: [(kind: ListenerKind, address: ListenAddress)] {
        let all: [(ListenerKind, ListenAddress?)] = [
            (.mqtt, mqtt), (.mqtts, mqtts?.address), (.ws, ws), (.wss, wss?.address),
            (.kafka, kafka), (.kafkas, kafkas?.address), (.http, http), (.https, https?.address),
        ]
        return all.compactMap { kind, address in address.map { (kind, $0) } }
    }
}
