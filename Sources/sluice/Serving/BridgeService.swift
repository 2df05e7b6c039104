import BridgeClients
import Bridging
import CLinux
import CommitLog
import CommitLogPosix
import Cryptography
import EventLoop
import Glibc
import SluiceBroker
import SluiceConfiguration
import SluiceCore
import Synchronization

/// The node's bridges, each on a thread of its own.
///
/// Isolation: made, started and stopped on the main thread; the directory is asked from any.
final class BridgeService: BridgeDirectory {
    private let workers: [BridgeWorker]
    private let log: LogRuntime

    /// Bridges that do not run yet.
    init(
        _ settings: [BridgeSettings], log: LogRuntime, peers: any ShardPeers, routing: Routing,
        downlinks: [String: DownlinkTemplate], limits: Limits,
        checkpoints: [String: BridgeCheckpoint], directory: String
    ) {
        self.log = log
        workers = settings.map { setting in
            BridgeWorker(
                setting, log: log, peers: peers, routing: routing, downlinks: downlinks, limits: limits,
                checkpoint: checkpoints[setting.name],
                directory: directory)
        }
    }

    /// Starts every bridge, and waits until each has its place in the log: a new one begins behind what is there, and
    /// what is published from now on is not that.
    func start() {
        for worker in workers { worker.start() }
        for worker in workers { worker.waitUntilPlaced() }
    }

    /// Stops every bridge: what is acknowledged is in the log.
    func stop() {
        for worker in workers { worker.askToStop() }
        for worker in workers { worker.join() }
    }

    /// See `BridgeDirectory`.
    var statuses: [BridgeStatus] {
        let now = Timestamp(rawValue: WallClock.milliseconds())
        return workers.compactMap { worker in
            var status = worker.status
            status?.renewLag(log, now: now)
            return status
        }
    }

    /// See `BridgeDirectory`.
    func tell(_ topics: [SystemTopic]) {
        for worker in workers { worker.post(topics) }
    }

    /// Stores what comes by other rules and profiles from here on.
    func route(by routing: Routing) {
        for worker in workers { worker.post(.route(routing)) }
    }

    /// See `BridgeDirectory`.
    func perform(_ command: BridgeCommand, on name: String) -> Bool {
        guard let worker = workers.first(where: { $0.name == name }) else { return false }
        worker.post(command)
        return true
    }
}

/// One bridge and its thread.
private final class BridgeWorker: Sendable {
    /// What the thread and the others share.
    private struct Mailbox {
        var commands: [BridgeCommand] = []
        /// What the broker's own topics said last, if it is to be forwarded.
        var system: [SystemTopic] = []
        var status: BridgeStatus?
        var isStopping = false
        /// Whether it has its place in the log.
        var isPlaced = false
        var wake: (@Sendable () -> Void)?
    }

    /// Commands that wait; whoever sends more finds the oldest gone.
    private static let commandsMax = 64
    /// How long what is on its way may take when the node stops, in nanoseconds.
    private static let drainNanoseconds: Int64 = 1_000_000_000
    /// How often the status is made anew, in nanoseconds.
    private static let statusNanoseconds: Int64 = 200_000_000

    private let settings: BridgeSettings
    private let log: LogRuntime
    private let peers: any ShardPeers
    private let routing: Routing
    private let downlinks: [String: DownlinkTemplate]
    private let limits: Limits
    private let checkpoint: BridgeCheckpoint?
    private let directory: String
    private let mailbox = Mutex(Mailbox())
    /// An eventfd, readable when it has its place in the log.
    private let placed = sluice_eventfd()
    private let thread = Mutex<LoopThreadBox?>(nil)

    // Sendable: touched by the main thread only.
    private struct LoopThreadBox: @unchecked Sendable { let thread: LoopThread }

    init(
        _ settings: BridgeSettings, log: LogRuntime, peers: any ShardPeers, routing: Routing,
        downlinks: [String: DownlinkTemplate], limits: Limits,
        checkpoint: BridgeCheckpoint?, directory: String
    ) {
        precondition(placed >= 0, "eventfd: \(errno)")
        self.directory = directory
        self.settings = settings
        self.log = log
        self.peers = peers
        self.routing = routing
        self.downlinks = downlinks
        self.limits = limits
        self.checkpoint = checkpoint
    }

    deinit { close(placed) }

    var name: String { settings.name }
    var status: BridgeStatus? { mailbox.withLock { $0.status } }

    func post(_ command: BridgeCommand) {
        let wake = mailbox.withLock { mailbox in
            if mailbox.commands.count == Self.commandsMax { mailbox.commands.removeFirst() }
            mailbox.commands.append(command)
            return mailbox.wake
        }
        wake?()
    }

    /// Hands over what the broker's own topics say, if a topic of the bridge may match them.
    func post(_ topics: [SystemTopic]) {
        guard settings.topics.contains(where: { $0.direction.isOut && $0.localFilter.hasPrefix("$SYS") }) else {
            return
        }
        let wake = mailbox.withLock { mailbox in
            mailbox.system = topics
            return mailbox.wake
        }
        wake?()
    }

    func start() {
        let made = LoopThreadBox(thread: LoopThread(name: "bridge-\(settings.name)") { [self] in run() })
        thread.withLock { $0 = made }
    }

    func waitUntilPlaced() {
        while mailbox.withLock({ !$0.isPlaced }) { sluice_wait_readable(placed, .max) }
    }

    func askToStop() {
        let wake = mailbox.withLock { mailbox in
            mailbox.isStopping = true
            return mailbox.wake
        }
        wake?()
    }

    func join() { thread.withLock { $0 }?.thread.join() }

    private func run() {
        let name = settings.stateTopic
        let tells = settings.notifies && !settings.notifiesLocallyOnly
        let upstream = MosquittoUpstream(settings, will: tells ? (name, "0") : nil)
        let runner = BridgeRunner(
            settings: settings, log: log, peers: peers, rules: routing.rules, profiles: routing.profiles,
            limits: limits, checkpoint: checkpoint,
            notebook: NotesFile(directory: directory, bridge: settings.name) { [settings] in
                Console.log(.bridgeNotesFailed, "bridge \(settings.name, as: .bridge): \($0, as: .reason)")
            },
            upstream: upstream, random: SecureRandom(), now: MonotonicClock.nanoseconds(),
            report: { Console.log($0, $1) })
        runner.downlinks = downlinks
        mailbox.withLock { mailbox in
            mailbox.wake = upstream.wake
            mailbox.isPlaced = true
        }
        var one: UInt64 = 1
        _ = write(placed, &one, MemoryLayout<UInt64>.size)
        var statusDue: Int64 = 0
        var drainedBy = Int64.max
        while true {
            let (commands, system, isStopping) = mailbox.withLock { mailbox in
                defer {
                    mailbox.commands = []
                    mailbox.system = []
                }
                return (mailbox.commands, mailbox.system, mailbox.isStopping)
            }
            let now = MonotonicClock.nanoseconds()
            for command in commands { runner.perform(command, now: now) }
            if isStopping {
                // What is on its way would go again when the node is started again.
                runner.drain()
                drainedBy = min(drainedBy, now + Self.drainNanoseconds)
                if runner.isDrained || now >= drainedBy { break }
            }
            if !system.isEmpty { runner.forward(system) }
            let (deadline, isHeld) = runner.tick(
                now: now, wallClock: Timestamp(rawValue: WallClock.milliseconds()))
            if now >= statusDue || !commands.isEmpty {
                let status = runner.status
                mailbox.withLock { $0.status = status }
                statusDue = now + Self.statusNanoseconds
            } else {
                // Positions are those of this tick: who asks counts from them to what is durable then.
                mailbox.withLock { $0.status?.renewPositions(runner) }
            }
            upstream.wait(until: min(deadline, drainedBy), isHeld: isHeld)
        }
        runner.shutDown()
    }
}
