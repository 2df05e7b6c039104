import CLinux
import CUv

/// A named thread that runs a function to its end.
package final class LoopThread {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    private var handle = uv_thread_t()
    /// A handshake of TLS is the deepest that a loop goes; the system's 8 MiB for each thread are most of a small
    /// process's address space.
    private static let stackBytes = 1 << 20

    /// Starts the thread; `name` shows in `ps` and `perf`, its first 15 bytes.
    package init(name: String, _ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(name: name, run: run))
        var options = uv_thread_options_t(flags: UInt32(UV_THREAD_HAS_STACK_SIZE.rawValue), stack_size: Self.stackBytes)
        Loop.check(
            uv_thread_create_ex(
                &handle, &options,
                { argument in
                    guard let argument else { return }
                    let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                    sluice_name_thread(body.name)
                    body.run()
                }, body.toOpaque()), "uv_thread_create")
    }

    /// Waits until the function has returned.
    package func join() { uv_thread_join(&handle) }
}
