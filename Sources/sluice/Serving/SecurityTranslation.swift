import AccessControl
import Glibc
import SluiceConfiguration
import SluiceCore
import SluiceNode

/// The configuration's security into the node's: reads the files that it names.
enum SecurityTranslation {
    /// The policies of all listeners.
    /// - Throws: everything wrong with the files, each with the place where it is named or the line in it.
    static func policy(_ configuration: Configuration) throws(ConfigurationErrors) -> NodePolicy {
        var reader = FileReader()
        var policy = NodePolicy()
        let listeners = configuration.listeners
        let isLocal = listeners.addresses.allSatisfy { isLoopback($0.address.host) }
        policy.general = reader.policy(configuration, SecuritySettings(), isLocal: isLocal)
        for (kind, address) in listeners.addresses {
            let own = listeners.security[kind.rawValue] ?? SecuritySettings()
            policy.listeners[kind.rawValue] = reader.policy(
                configuration, own, isLocal: isLoopback(address.host), isKeyed: listeners.isKeyed(kind),
                hasCertificates: [.mqtts, .wss, .kafkas, .https].contains(kind) && !listeners.isKeyed(kind))
        }
        policy.limits = configuration.access?.limits ?? IdentityLimitTable()
        if !reader.errors.isEmpty { throw ConfigurationErrors(reader.errors) }
        return policy
    }

    /// What an operator should look at.
    static func warnings(_ configuration: Configuration, _ policy: NodePolicy) -> [LogLine] {
        var warnings: [LogLine] = []
        for (kind, address) in configuration.listeners.addresses where !isLoopback(address.host) {
            guard let own = policy.listeners[kind.rawValue] else { continue }
            let isWritten =
                configuration.security.allowsAnonymous
                ?? configuration.listeners.security[kind.rawValue]?.allowsAnonymous
            if own.allowsAnonymous {
                warnings.append(
                    LogLine(
                        .listenerOpen,
                        "\(kind.rawValue, as: .listener) on \(address, as: .address) lets in everybody who can reach "
                            + "it ('allow_anonymous: true')"))
            } else if isWritten == nil, own.passwords == nil, own.tokens == nil, own.certificateName == nil,
                own.keys == nil
            {
                warnings.append(
                    LogLine(
                        .listenerUnusable,
                        "\(kind.rawValue, as: .listener) on \(address, as: .address) is reached from elsewhere and "
                            + "lets nobody in: give it 'password_file', 'certificate_user' or, for everybody, "
                            + "'allow_anonymous: true'"))
            }
        }
        let general = configuration.security
        for settings in [general] + configuration.listeners.security.values {
            for file in [settings.passwordFile, settings.pskFile, settings.tokens?.keyFile] {
                if let file, isOpenToOthers(file.path) { warnings.append(openFile(file)) }
            }
        }
        return warnings
    }

    private static func isOpenToOthers(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o077 != 0
    }

    private static func openFile(_ file: NamedFile) -> LogLine {
        LogLine(
            .secretExposed,
            "\(file.path, as: .path) can be read by other users of this machine: chmod 600 \(file.path)")
    }

    /// Whether a place to listen cannot be reached from elsewhere.
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// Reads each file once, however many listeners name it.
    private struct FileReader {
        var errors: [ConfigurationError] = []
        private var passwords: [String: PasswordFile] = [:]
        private var rules: [String: AccessRules] = [:]

        mutating func policy(
            _ configuration: Configuration, _ own: SecuritySettings, isLocal: Bool, isKeyed: Bool = false,
            hasCertificates: Bool = false
        ) -> ListenerPolicy {
            let general = configuration.security
            var policy = ListenerPolicy()
            if let file = own.passwordFile ?? general.passwordFile { policy.passwords = passwords(file) }
            if let file = own.aclFile ?? general.aclFile {
                policy.rules = rules(file)
            } else {
                policy.rules = configuration.access.map { $0.rules(file: $0.location.file) }
            }
            policy.tokens = (own.tokens ?? general.tokens).flatMap { tokens($0) }
            // What stands at the top is for the listeners that have certificates.
            let certificateUser = own.certificateUser ?? (hasCertificates ? general.certificateUser : nil)
            policy.certificateName = certificateUser.flatMap(CertificateName.init)
            if isKeyed, let file = own.pskFile ?? general.pskFile { policy.keys = keys(file) }
            let asksForName =
                policy.passwords != nil || policy.tokens != nil || policy.certificateName != nil
                || policy.keys != nil
            policy.allowsAnonymous = own.allowsAnonymous ?? general.allowsAnonymous ?? (isLocal && !asksForName)
            return policy
        }

        private mutating func passwords(_ file: NamedFile) -> PasswordFile? {
            if let known = passwords[file.path] { return known }
            let read = read(file, "password_file") { text throws(SecurityFileError) in
                try PasswordFile.parse(text, file: file.path)
            }
            passwords[file.path] = read
            return read
        }

        private mutating func keys(_ file: NamedFile) -> SharedKeyFile? {
            read(file, "psk_file") { text throws(SecurityFileError) in
                try SharedKeyFile.parse(text, file: file.path)
            }
        }

        private mutating func rules(_ file: NamedFile) -> AccessRules? {
            if let known = rules[file.path] { return known }
            let read = read(file, "acl_file") { text throws(SecurityFileError) in
                try AccessRules.mosquitto(text, file: file.path)
            }
            rules[file.path] = read
            return read
        }

        private mutating func tokens(_ settings: TokenSettings) -> TokenJudge? {
            var judged = TokenJudge.Settings()
            judged.issuer = settings.issuer
            judged.audience = settings.audience
            judged.leewaySeconds = Int(settings.leeway.components.seconds)
            judged.requiresExpiry = settings.requiresExpiry
            judged.userClaim = settings.userClaim
            judged.rolesClaim = settings.rolesClaim
            judged.publishClaim = settings.publishClaim
            judged.readClaim = settings.readClaim
            let file = settings.keyFile
            do throws(FileText.Failure) {
                let text = try FileText.read(file.path, byteCountMax: 1 << 20)
                do throws(SignatureKeyFault) {
                    return TokenJudge(try TokenKeys.read(text, SystemHashing(), SystemSignatures()), judged)
                } catch {
                    report(ConfigurationError(at: file.location, "'key_file': '\(file.path)' \(error.reason)"))
                }
            } catch {
                report(ConfigurationError(at: file.location, "'key_file': '\(file.path)' \(error.description)"))
            }
            return nil
        }

        private mutating func read<Value>(
            _ file: NamedFile, _ setting: String, _ parse: ([UInt8]) throws(SecurityFileError) -> Value
        ) -> Value? {
            do throws(FileText.Failure) {
                let text = try FileText.read(file.path, byteCountMax: 64 << 20)
                do throws(SecurityFileError) { return try parse(text) } catch {
                    let place = SourceLocation(file: error.file, line: error.line, column: 1)
                    report(ConfigurationError(at: place, error.message))
                }
            } catch {
                report(ConfigurationError(at: file.location, "'\(setting)': '\(file.path)' \(error.description)"))
            }
            return nil
        }

        private mutating func report(_ error: ConfigurationError) {
            if !errors.contains(error) { errors.append(error) }
        }
    }
}

extension BanOptions {
    /// The node's own form of them.
    var settings: BanSettings {
        BanSettings(
            failureCount: failureCount, withinNanoseconds: within.nanoseconds, banNanoseconds: duration.nanoseconds,
            exempt: exempt)
    }
}
