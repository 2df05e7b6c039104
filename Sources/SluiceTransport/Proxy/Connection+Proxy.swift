import SluiceCore
import Speaking

/// Connections that come by a proxy, which says whose they are before their own bytes.
extension Connection {
    /// Bytes have come while nobody speaks on a plain connection: they are a proxy's.
    /// - Parameter held: how many bytes in front are those that were kept.
    func receivedBeforeSpeaker(_ bytes: UnsafeRawBufferPointer, _ held: Int) {
        guard let door = awaitedDoor else { return }
        stash.append(UnsafeRawBufferPointer(rebasing: bytes[held...]))
        switch ProxyHeader.read(stash.bytes) {
        case .needsMore: return
        case .malformed(let reason):
            fail("closed, \(reason) ('proxy_protocol' names its address)")
            finish()
        case .taken(let byteCount, let source):
            stash.removeFirst(byteCount)
            var rest = ByteBuffer()
            swap(&rest, &stash)
            guard owner.enter(self, door, source), !rest.isEmpty else { return }
            rest.withUnsafeBytes { bytes in
                if let channel { received(bytes, channel) } else if let speaker { take(bytes, speaker) }
            }
        }
    }
}
