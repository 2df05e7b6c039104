import CLinux
import CommitLogPosix
import Cryptography
import Glibc
import LogInterface
import SluiceConfiguration
import SluiceCore
import SluiceNode

/// Looks at everything around a broker that it depends on.
struct Doctor {
    private let configuration: Configuration
    private let disk: DiskProbe
    /// The process that has the data directory.
    private let broker: Int32?

    init(_ configuration: Configuration) {
        self.configuration = configuration
        disk = DiskProbe(configuration.dataDirectory)
        broker = Self.owner(of: configuration.dataDirectory)
    }

    /// Everything that was found, in the order in which it matters.
    func examine() -> [Finding] {
        var findings = [disk.rights]
        if let broker { findings.append(Finding(.good, "broker", "process \(broker) has the data directory")) }
        findings += [disk.fileSystem, disk.space]
        if findings[0].verdict != .fault { findings.append(disk.syncTime) }
        return findings + [openFiles, memory, clock] + ports + certificates + secrets
    }

    /// Who holds the lock of a data directory, by the kernel's own list; nil for nobody.
    private static func owner(of directory: String) -> Int32? {
        var found = stat()
        guard stat("\(directory)/lock", &found) == 0 else { return nil }
        guard let list = readable("/proc/locks") else { return nil }
        for line in list.split(separator: "\n") where line.contains(" FLOCK ") {
            let words = line.split(separator: " ")
            guard words.count > 5, words[5].split(separator: ":").last.flatMap({ UInt64($0) }) == UInt64(found.st_ino)
            else { continue }
            return Int32(words[4])
        }
        return nil
    }

    private static func readable(_ path: String) -> String? {
        do throws(CommandFailure) {
            return String(decoding: try FileBytes.contents(of: path, byteCountMax: 1 << 20), as: UTF8.self)
        } catch {
            // What the kernel does not show says nothing.
            return nil
        }
    }

    // MARK: The process

    private var loopCount: Int {
        configuration.loopCount > 0 ? configuration.loopCount : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    private var openFiles: Finding {
        let limit = Int(clamping: sluice_raise_file_limit())
        let partitions = RuleTranslation.streams(configuration).reduce(0) { $0 + $1.partitionCount }
        let budget = DescriptorBudget(
            limit: limit, partitionCount: partitions, loopCount: loopCount, bridgeCount: configuration.bridges.count)
        do throws(OutOfDescriptors) {
            let room = try budget.connections(of: configuration.limits.connectionsMax)
            guard let note = budget.note(of: configuration.limits.connectionsMax) else {
                return Finding(.good, "open files", "\(limit), enough for \(room) connections")
            }
            return Finding(.warning, "open files", note.words.text, "raise ulimit -Hn, LimitNOFILE= with systemd")
        } catch {
            return Finding(.fault, "open files", error.description, "raise ulimit -Hn, LimitNOFILE= with systemd")
        }
    }

    private var memory: Finding {
        do throws(CommandFailure) {
            let plan = try MemoryPlan(configuration, threadCount: 11 + loopCount + configuration.bridges.count)
            return Finding(.good, "memory", "\(Readable.bytes(Int64(plan.total))), by \(plan.source)")
        } catch {
            return Finding(.fault, "memory", error.description)
        }
    }

    private var clock: Finding {
        var microseconds: Int64 = 0
        let state = sluice_clock_state(&microseconds)
        guard state >= 0 else { return Finding(.warning, "clock", "the kernel does not say whether it is right") }
        guard state != 5 else {
            return Finding(
                .warning, "clock", "nothing keeps it right", "records have its time: run chrony or systemd-timesyncd")
        }
        let text = "synchronised, within \(Readable.nanoseconds(microseconds * 1000))"
        guard microseconds < 1_000_000 else { return Finding(.warning, "clock", text, "look at what keeps it right") }
        return Finding(.good, "clock", text)
    }

    // MARK: The network

    private var ports: [Finding] {
        configuration.listeners.addresses.map { kind, address in
            let subject = "\(kind.rawValue) listener"
            let descriptor = sluice_listen_tcp(address.host, address.port, 1)
            guard descriptor < 0 else {
                close(descriptor)
                return Finding(.good, subject, "\(address) is free")
            }
            let code = errno
            switch code {
            case EADDRINUSE where broker != nil: return Finding(.good, subject, "\(address) is in use by the broker")
            case EADDRINUSE:
                return Finding(.fault, subject, "\(address) is in use by another process", "`ss -ltnp` says whose")
            case EACCES:
                return Finding(
                    .fault, subject, "\(address) is not for user \(geteuid())",
                    "take a port from 1024 on, or give CAP_NET_BIND_SERVICE")
            case _: return Finding(.fault, subject, "\(address): \(String(cString: strerror(code)))")
            }
        }
    }

    private var certificates: [Finding] {
        do throws(ConfigurationErrors) {
            let now = WallClock.milliseconds() / 1000
            return try Certificates(configuration).entries.map { entry in
                let subject = "\(entry.kind.rawValue) \(entry.title)"
                guard case .certificate = entry.evidence else { return Finding(.good, subject, entry.summary) }
                let left = entry.context.expirySeconds - now
                guard left >= 0 else {
                    return Finding(.fault, subject, "ended: \(entry.summary)", "renew it, then SIGHUP")
                }
                guard left >= 14 * 86_400 else {
                    return Finding(.warning, subject, "ends soon: \(entry.summary)", "renew it, then SIGHUP")
                }
                return Finding(.good, subject, entry.summary)
            }
        } catch {
            return error.errors.map { Finding(.fault, "TLS files", "\($0)") }
        }
    }

    /// Files that nobody else should read.
    private var secrets: [Finding] {
        var paths: [String] = []
        let listeners = configuration.listeners
        for listener in [listeners.mqtts, listeners.wss, listeners.kafkas] {
            if let key = listener?.tls?.key.path { paths.append(key) }
        }
        for file in [configuration.security.passwordFile, configuration.security.pskFile] {
            if let file { paths.append(file.path) }
        }
        return paths.compactMap { path in
            var found = stat()
            // What is missing the configuration's reader has said.
            guard stat(path, &found) == 0, found.st_mode & 0o007 != 0 else { return nil }
            return Finding(.warning, "secrets", "\(path) is open to everybody", "chmod o= \(path)")
        }
    }
}
