import CommitLogPosix
import DeviceProfiles
import EventLoop
import SluiceBroker
import SluiceCore
import Synchronization

/// Follows the devices of a node's profiles, on a thread of its own.
///
/// It looks at the log ten times a second: a wake for each commit would cost publishers more than following does.
/// Isolation: made, started and stopped on the main thread.
final class DeviceService {
    /// What the thread and the main one share.
    private struct Mailbox {
        var routing: (routing: Routing, ends: [Offset])?
        var isStopping = false
    }

    private static let pauseNanoseconds: Int64 = 100_000_000

    private let log: LogRuntime
    private let peers: any ShardPeers
    private let mailbox = MailboxBox()
    private let wake: EventDescriptor
    private let replay: DeviceReplay
    private let downlinks: [String: DownlinkTemplate]
    private var startEnds: [Offset]
    private var thread: LoopThread?

    // Sendable: a mutex.
    private final class MailboxBox: Sendable { let mutex = Mutex(Mailbox()) }

    /// A service that does not run yet, and goes on from what was on record.
    init(
        log: LogRuntime, peers: any ShardPeers, _ recovery: StateRecovery, downlinks: [String: DownlinkTemplate]
    ) throws {
        replay = try recovery.devices()
        self.downlinks = downlinks
        startEnds = log.endOffsets()
        self.log = log
        self.peers = peers
        wake = EventDescriptor()
    }

    /// Begins to follow the profiles' streams, if there are any profiles.
    func start(_ routing: Routing) {
        guard thread == nil, !routing.profiles.entries.isEmpty else { return }
        let (log, peers, mailbox, wake, ends) = (log, peers, mailbox, wake, startEnds)
        let (replay, downlinks) = (replay, downlinks)
        thread = LoopThread(name: "devices") {
            let follower = DeviceFollower(
                routing, replay: replay, downlinks: downlinks, log: log, peers: peers, startEnds: ends,
                wake: { wake.signal() }, now: Timestamp(rawValue: WallClock.milliseconds()),
                report: { Console.log($0, $1) })
            while true {
                let (routing, isStopping) = mailbox.mutex.withLock { mailbox in
                    defer { mailbox.routing = nil }
                    return (mailbox.routing, mailbox.isStopping)
                }
                if let routing { follower.route(by: routing.routing, ends: routing.ends) }
                let isBehind = follower.tick(at: Timestamp(rawValue: WallClock.milliseconds()))
                if isStopping { break }
                if !isBehind { wake.wait(nanoseconds: Self.pauseNanoseconds) }
            }
            follower.shutDown()
        }
    }

    /// Goes by other profiles from here on.
    func route(by routing: Routing) {
        guard thread != nil else {
            startEnds = log.endOffsets()
            return start(routing)
        }
        let ends = log.endOffsets()
        mailbox.mutex.withLock { $0.routing = (routing, ends) }
        wake.signal()
    }

    /// Stops; what is known is on record.
    func stop() {
        mailbox.mutex.withLock { $0.isStopping = true }
        wake.signal()
        thread?.join()
    }
}
