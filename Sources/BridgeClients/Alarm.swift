import Glibc
import Synchronization

/// The pipe behind `wake`, with a life of its own: a waker may outlive the client.
// Sendable: the descriptors never change, and the kernel makes it safe to share.
final class Alarm: @unchecked Sendable {
    let descriptor: Int32
    private let bell: Int32
    /// Whether it rings already: one write is enough for everybody who rings.
    private let isRinging = Atomic<Bool>(false)

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "Cannot make a pipe for a bridge")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (descriptor, bell) = (ends[0], ends[1])
    }

    deinit {
        close(descriptor)
        close(bell)
    }

    func ring() {
        guard !isRinging.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var byte: UInt8 = 1
        write(bell, &byte, 1)
    }

    func silence() {
        var bytes: UInt64 = 0
        read(descriptor, &bytes, 8)
        // Whoever finds it ringing until here came before what its owner does next.
        isRinging.store(false, ordering: .sequentiallyConsistent)
    }
}
