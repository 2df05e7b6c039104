import CLinux
import CommitLog
import LogInterface
import SluiceCore

/// The housekeeping thread: what happens to old segments, and what happens when space runs out.
extension LogRuntime {
    /// How often space is looked at; what comes in meanwhile is counted against what was left of the quota then.
    private static let spaceNanoseconds: Int64 = 1_000_000_000

    func runHousekeeping() {
        guard let housekeeper else { preconditionFailure("Cannot keep house before the log is open") }
        sluice_yield_to_others()
        var lastPass = MonotonicClock.nanoseconds()
        repeat {
            guard withState({ $0.poison }) == nil else { return }
            keepSpace()
            let now = MonotonicClock.nanoseconds()
            if now - lastPass >= settings.housekeepingNanoseconds || isQuotaReached {
                lastPass = now
                pass(housekeeper)
            }
        } while waitForHousekeeping()
    }

    private func waitForHousekeeping() -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        guard !isStopping else { return false }
        let interval = state.full == nil ? Self.spaceNanoseconds : Self.fullRetryNanoseconds
        keepWork.wait(atMost: min(interval, settings.housekeepingNanoseconds))
        return !isStopping
    }

    /// Everything that housekeeping does, once.
    private func pass(_ housekeeper: Housekeeper) {
        do throws(HousekeepingError) {
            try retain(housekeeper)
            measureOthers()
            // Rewriting needs space before it gives any back.
            guard trouble == nil, hasRoomToRewrite else { return }
            let now = Timestamp(rawValue: WallClock.milliseconds())
            _ = try housekeeper.compact(now: now, shouldStop: { self.isAskedToStop })
            _ = try housekeeper.seal(now: now, shouldStop: { self.isAskedToStop })
        } catch {
            switch error {
            case .failed(let error): report(.warning, "housekeeping goes on later: \(error)")
            case .damaged: report(.warning, "housekeeping has found a damaged segment and leaves it as it is")
            case .inDoubt(let error): poison(error)
            }
        }
    }

    private var isAskedToStop: Bool { withState { $0.full != nil || isStopping } }

    private func retain(_ housekeeper: Housekeeper) throws(HousekeepingError) {
        let result = try housekeeper.retain(
            wall: Timestamp(rawValue: WallClock.milliseconds()), monotonic: MonotonicClock.nanoseconds() / 1_000_000)
        if let milliseconds = result.jumpMilliseconds {
            let seconds = milliseconds / 1000
            report(.warning, "the clock has jumped ahead by \(seconds) s: for an hour nothing is removed for its age")
        }
    }

    // MARK: Space

    /// Bytes that the directory takes, or will when what is in memory has reached its files: segments, what is on its
    /// way there, the journal with as many files as it can have, the reserve, and whatever else was found at the last
    /// look. The lock is held.
    private var storedByteCount: Int64 {
        let journalFileCount = max(Self.journalFilesMax, 1 + spares.count + finished.count)
        return Int64(state.unflushedBytes) + segmentByteCount + otherByteCount
            + Int64(journalFileCount * settings.journalFileBytes + settings.reserveBytes)
    }

    private var segmentByteCount: Int64 { state.partitions.reduce(0) { $0 + $1.byteCount } }

    /// Journal files that there can be: the one that is written, the full ones that a checkpoint takes, one at hand.
    private static let journalFilesMax = 1 + journalFilesFullMax + 1

    /// Looks how much of the directory is neither segments, journal nor reserve: indexes, metadata, notes, what is
    /// being rewritten.
    private func measureOthers() {
        guard withState({ $0.policy.quotaBytes }) != nil else { return }
        do throws(StorageError) {
            var used = try storage.usedByteCount("")
            used -= try storage.usedByteCount(JournalFiles.directory)
            if reserve.isHeld { used -= Int64(settings.reserveBytes) }
            monitor.lock()
            otherByteCount = max(0, used - segmentByteCount)
            monitor.unlock()
        } catch {
            report(.warning, "what the data directory takes is looked at again later: \(error)")
        }
    }

    /// Whether a segment can be written beside the one that it replaces without going over the quota.
    private var hasRoomToRewrite: Bool {
        monitor.lock()
        defer { monitor.unlock() }
        guard let quota = state.policy.quotaBytes else { return true }
        let largest = catalogue.map(\.settings.policy.granuleBytesMax).max() ?? 0
        return quota - storedByteCount > largest
    }

    private var isQuotaReached: Bool { withState { $0.full != nil && !$0.isDeviceFull } }

    /// Counts what is left of the quota. The lock is held.
    /// - Returns: whether nothing is.
    @discardableResult
    func measureQuotaRoom() -> Bool {
        let room = state.policy.quotaBytes.map { $0 - storedByteCount }
        state.setQuotaRoom(room)
        return room.map { $0 <= 0 } ?? false
    }

    /// The directory is at its quota.
    func quotaReached() {
        let quota = withState { $0.policy.quotaBytes } ?? 0
        let reason = "the data directory has reached its quota of \(quota) bytes"
        setFull(.quota, StorageError(.write, "data", code: 122, reason: reason))
    }

    /// Refuses publishes while the directory is at its quota; gives the reserve up when the device is full, and takes
    /// publishes again when it can be set aside anew.
    private func keepSpace() {
        monitor.lock()
        let isReached = measureQuotaRoom()
        monitor.unlock()
        if isReached { quotaReached() } else { setFull(.quota, nil) }
        do throws(StorageError) {
            let (isFull, isOutOfSpace, isBlocked) = withState {
                ($0.isDeviceFull, $0.isDeviceOutOfSpace, flusherIsBlocked || journalIsBlocked)
            }
            if !isFull {
                if !reserve.isHeld, try !reserve.hold() {
                    setFull(.device, StorageError(.write, SpaceReserve.path, code: 28, reason: "no space on device"))
                }
            } else if reserve.isHeld, isOutOfSpace {
                try reserve.release()
            } else if !isBlocked, try reserve.hold() {
                setFull(.device, nil)
            }
        } catch {
            report(.warning, "the reserve of space is tried again: \(error)")
        }
    }
}
