import Administration
import CommitLogPosix
import EventLoop
import Glibc
import SluiceBroker
import SluiceConfiguration
import SluiceCore
import Speaking
import Synchronization

/// The record of who came, went and changed what, written by a thread of its own.
///
/// Whoever notes something never waits: what there is no room for, or what the disk does not take, is counted, and the
/// count is a line of the record when there is room again.
/// Isolation: any thread.
final class AuditLog: AuditTrail, Sendable {
    /// Events that wait to be written: some megabytes.
    private static let capacity = 8192

    private let queue = WorkQueue(
        name: "sluice-audit", threadCount: 1, capacity: capacity, sourceCapacity: capacity, yields: false)
    /// Where lines go; only the thread changes it.
    private let place: Mutex<Place>
    private let droppedCount = Atomic<Int>(0)
    /// Whether there is a record: a flood of connections wakes no thread for nothing.
    private let isKept: Atomic<Bool>

    /// The file of the record, and what was said of its trouble.
    private struct Place: ~Copyable {
        var settings: AuditSettings?
        var file: RotatedFile?
        var lines = LineLimiter(burst: 1, nanosecondsPerLine: 60_000_000_000)

        init(_ settings: AuditSettings?) { follow(settings) }

        mutating func follow(_ settings: AuditSettings?) {
            self.settings = settings
            file = nil
            if let settings, let path = settings.file {
                file = RotatedFile(path, byteCountMax: settings.fileBytes, keptCount: settings.keptCount)
            }
        }
    }

    /// A record by these settings; nil keeps none for now.
    init(_ settings: AuditSettings?) {
        place = Mutex(Place(settings))
        isKept = Atomic(settings != nil)
    }

    /// Notes an event.
    func note(_ event: AuditEvent) {
        guard isKept.load(ordering: .relaxed) else { return }
        let time = WallClock.milliseconds()
        let isTaken = queue.submit(from: "") { [self] in write(event, time) }
        if !isTaken { droppedCount.add(1, ordering: .relaxed) }
    }

    /// Goes on by other settings, and with the file that has the name now.
    func follow(_ settings: AuditSettings?) {
        isKept.store(settings != nil, ordering: .relaxed)
        _ = queue.submit(from: "") { [self] in place.withLock { $0.follow(settings) } }
    }

    /// Writes what waits, and ends the thread.
    func close() { queue.close(finishing: true) }

    private func write(_ event: AuditEvent, _ time: Int64) {
        place.withLock { place in
            guard let settings = place.settings else { return }
            guard settings.file != nil else { return Console.log(event, time) }
            do throws(RotatedFile.Failure) {
                let droppedCount = droppedCount.load(ordering: .relaxed)
                if droppedCount > 0 {
                    try place.file?.append(Self.line(dropped: droppedCount, time))
                    self.droppedCount.subtract(droppedCount, ordering: .relaxed)
                }
                try place.file?.append(Array((event.json(time).compact + "\n").utf8))
            } catch {
                droppedCount.add(1, ordering: .relaxed)
                // It may be another one's fault that the file cannot be written: the next line tries anew.
                place.file?.reopen()
                guard place.lines.admits(at: time * 1_000_000) else { return }
                Console.log(.auditFailed, "audit: \(error.description, as: .reason); what is not written is counted")
            }
        }
    }

    private static func line(dropped count: Int, _ time: Int64) -> [UInt8] {
        let line = JSON.members([
            "time": .string(RFC3339.text(time)), "event": .string("dropped"), "count": .integer(Int64(count)),
        ])
        return Array((line.compact + "\n").utf8)
    }
}

extension AuditEvent {
    /// It as one object, with names that stay.
    func json(_ time: Int64) -> JSON {
        let head = [("time", RFC3339.text(time)), ("event", kind.rawValue)]
        return .object(
            (head + fields.map { ($0.name, $0.value) }).map { JSON.Member(name: $0.0, value: .string($0.1)) })
    }

    /// It on one line.
    var text: String {
        let words = fields.map {
            "\($0.name)=\($0.value.contains { " \"=".contains($0) } ? $0.value.debugDescription : $0.value)"
        }
        return "audit \(kind.rawValue) " + words.joined(separator: " ")
    }
}
