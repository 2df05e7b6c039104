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

    /// Starts the thread; `name` shows in `ps` and `perf`, its first 15 bytes.
    package init(name: String, _ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(name: name, run: run))
        Loop.check(
            uv_thread_create(
                &handle,
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
