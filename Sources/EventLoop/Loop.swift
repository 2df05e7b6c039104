import CLinux
import CUv
import Glibc
import SluiceCore
import Synchronization

/// What happens on a loop, told to whoever owns the watcher.
package protocol ReadinessTarget: AnyObject {
    /// The descriptor can be read (also at its end), or written, without waiting.
    func ready(readable: Bool, writable: Bool)
}

/// One libuv event loop.
///
/// Isolation: everything on it is called on the thread that runs it, except `Wake.send`. Watchers are created before
/// `run`, or on the loop's thread, and closed there.
package final class Loop {
    let handle: UnsafeMutablePointer<uv_loop_t>

    /// Makes a loop that runs nothing yet.
    package init() {
        handle = .allocate(capacity: 1)
        handle.initialize(to: uv_loop_t())
        Self.check(uv_loop_init(handle), "uv_loop_init")
    }

    deinit {
        // Handles close on the loop's next iterations; a loop that still has some was stopped in the middle, and its
        // process ends.
        if uv_loop_close(handle) == 0 { handle.deallocate() }
    }

    /// Runs until `stop`, or until nothing is left to wait for.
    package func run() { uv_run(handle, UV_RUN_DEFAULT) }

    /// Makes `run` return after this iteration.
    package func stop() { uv_stop(handle) }

    /// Lets handles that were closed go; after `run` has returned. Handles that are open, such as wakes, stay.
    package func drain() {
        for _ in 0..<2 { uv_run(handle, UV_RUN_NOWAIT) }
    }

    static func check(_ status: Int32, _ call: String) {
        precondition(status == 0, "\(call): \(String(cString: uv_strerror(status)))")
    }
}

/// Memory of a libuv handle whose owner may go before libuv is done with it.
struct HandleMemory<Handle> {
    let pointer: UnsafeMutablePointer<Handle>

    init(_ initial: Handle) {
        pointer = .allocate(capacity: 1)
        pointer.initialize(to: initial)
    }

    var base: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: uv_handle_t.self)
    }

    /// Closes the handle; libuv calls back when its memory is free.
    func close() {
        base.pointee.data = nil
        uv_close(base) { handle in
            guard let handle else { return }
            UnsafeMutableRawPointer(handle).deallocate()
        }
    }
}

/// Watches one socket.
package final class ReadinessWatcher {
    private let memory = HandleMemory(uv_poll_t())
    private unowned let target: any ReadinessTarget
    private var events: Int32 = 0
    private var isClosed = false

    /// Watches `socket`, which stays its owner's to close, after `close`.
    /// - Returns: nil when the kernel cannot watch it.
    package init?(_ loop: Loop, socket: Int32, target: any ReadinessTarget) {
        self.target = target
        guard uv_poll_init(loop.handle, memory.pointer, socket) == 0 else {
            memory.pointer.deallocate()
            isClosed = true
            return nil
        }
    }

    deinit { close() }

    /// Says what to wait for; neither stops waiting. Costs a system call on the loop's next iteration when it changes
    /// something.
    package func want(readable: Bool, writable: Bool) {
        precondition(!isClosed)
        let wanted = (readable ? Int32(UV_READABLE.rawValue) : 0) | (writable ? Int32(UV_WRITABLE.rawValue) : 0)
        guard wanted != events else { return }
        events = wanted
        if wanted == 0 {
            uv_poll_stop(memory.pointer)
            return
        }
        memory.base.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        uv_poll_start(memory.pointer, wanted) { handle, status, events in
            guard let data = handle?.pointee.data else { return }
            let watcher = Unmanaged<ReadinessWatcher>.fromOpaque(data).takeUnretainedValue()
            // An error is found by the read that follows.
            let readable = status < 0 || events & Int32(UV_READABLE.rawValue) != 0
            watcher.target.ready(readable: readable, writable: events & Int32(UV_WRITABLE.rawValue) != 0)
        }
    }

    /// Stops for good.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        memory.close()
    }
}

// Sendable: `send` uses the constant descriptor and an atomic only; the rest is the loop's.
/// Wakes a loop from any thread.
///
/// An eventfd watched like a socket. libuv's own `uv_async_send` (1.44) keeps its handle marked busy while it writes; a
/// loop that wakes on another processor, or on the sender's own, then spins up to 997 pauses and yields until the
/// sender has run on. With one wake for almost every message that took half of the loops' CPU.
package final class Wake: ReadinessTarget, @unchecked Sendable {
    private let descriptor: Int32
    private let isPending = Atomic<Bool>(false)
    private let body: () -> Void
    private var watcher: ReadinessWatcher?

    /// Calls `body` on the loop after `send`; several sends may make one call.
    package init(_ loop: Loop, _ body: @escaping () -> Void) {
        self.body = body
        descriptor = sluice_eventfd()
        precondition(descriptor >= 0, "Cannot make an eventfd")
        watcher = ReadinessWatcher(loop, socket: descriptor, target: self)
        watcher?.want(readable: true, writable: false)
    }

    deinit { close(descriptor) }

    /// Asks for the call. Any thread, while the wake exists.
    package func send() {
        guard !isPending.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    /// Blocks the loop until `send` is called, at most for `nanoseconds`; the call of `body` comes with the next
    /// iteration.
    package func wait(atMost nanoseconds: Int64) {
        guard !isPending.load(ordering: .acquiring) else { return }
        sluice_wait_readable(descriptor, nanoseconds)
    }

    /// Calls the body.
    package func ready(readable: Bool, writable: Bool) {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
        // Cleared before the work is looked for: what is sent from here on makes another call.
        isPending.store(false, ordering: .releasing)
        body()
    }
}

/// Calls a function at the end of each iteration that had events.
package final class TickEnd {
    private let memory = HandleMemory(uv_check_t())
    private let body: () -> Void

    /// Calls `body` after each poll for events.
    package init(_ loop: Loop, _ body: @escaping () -> Void) {
        self.body = body
        Loop.check(uv_check_init(loop.handle, memory.pointer), "uv_check_init")
        memory.base.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        uv_check_start(memory.pointer) { handle in
            guard let data = handle?.pointee.data else { return }
            Unmanaged<TickEnd>.fromOpaque(data).takeUnretainedValue().body()
        }
    }

    /// Stops for good.
    package func close() { memory.close() }
}

/// Calls a function again and again.
package final class RepeatingTimer {
    private let memory = HandleMemory(uv_timer_t())
    private let body: () -> Void

    /// Calls `body` every `milliseconds`, from then on.
    package init(_ loop: Loop, milliseconds: UInt64, _ body: @escaping () -> Void) {
        self.body = body
        Loop.check(uv_timer_init(loop.handle, memory.pointer), "uv_timer_init")
        memory.base.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        uv_timer_start(
            memory.pointer,
            { handle in
                guard let data = handle?.pointee.data else { return }
                Unmanaged<RepeatingTimer>.fromOpaque(data).takeUnretainedValue().body()
            }, milliseconds, milliseconds)
    }

    /// Stops for good.
    package func close() { memory.close() }
}

/// Calls a function once, some time after it was set; it may be set again.
package final class Alarm {
    private let memory = HandleMemory(uv_timer_t())
    private let body: () -> Void

    /// An alarm that is not set.
    package init(_ loop: Loop, _ body: @escaping () -> Void) {
        self.body = body
        Loop.check(uv_timer_init(loop.handle, memory.pointer), "uv_timer_init")
        memory.base.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }

    /// Calls after `milliseconds`, counted from the beginning of the loop's turn; an earlier setting is forgotten.
    package func set(milliseconds: UInt64) {
        uv_timer_start(
            memory.pointer,
            { handle in
                guard let data = handle?.pointee.data else { return }
                Unmanaged<Alarm>.fromOpaque(data).takeUnretainedValue().body()
            }, milliseconds, 0)
    }

    /// Forgets the setting.
    package func clear() { uv_timer_stop(memory.pointer) }

    /// Stops for good.
    package func close() { memory.close() }
}

/// Calls a function when the process gets a signal.
package final class SignalWatcher {
    private let memory = HandleMemory(uv_signal_t())
    private let body: () -> Void

    /// Calls `body` on the loop for each `signal`.
    package init(_ loop: Loop, signal: Int32, _ body: @escaping () -> Void) {
        self.body = body
        Loop.check(uv_signal_init(loop.handle, memory.pointer), "uv_signal_init")
        memory.base.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        uv_signal_start(
            memory.pointer,
            { handle, _ in
                guard let data = handle?.pointee.data else { return }
                Unmanaged<SignalWatcher>.fromOpaque(data).takeUnretainedValue().body()
            }, signal)
    }

    /// Stops for good.
    package func close() { memory.close() }
}
