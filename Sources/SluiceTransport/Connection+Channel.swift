import Glibc
import SluiceCore
import Speaking

/// Connections whose bytes go through a channel: TLS, WebSocket or both.
extension Connection {
    /// Bytes of answers to the peer (pongs, TLS's own messages) that may wait for the socket before its bytes are left
    /// unread.
    private static let unsentBytesMax = 4 * Channel.stepBytes

    /// Whether the peer makes us answer and does not read the answers.
    var hasTooMuchUnsent: Bool { channel.map { $0.unsent.count > Self.unsentBytesMax } ?? false }

    // MARK: Receiving

    /// Takes bytes off the wire, and gives those that were meant for the speaker to it.
    func received(_ wire: UnsafeRawBufferPointer, _ channel: Channel) {
        owner.plain.removeAll()
        stash.withUnsafeBytes { owner.plain.append($0) }
        let bytes = wire.assumingMemoryBound(to: UInt8.self)
        owner.wire.removeAll()
        let event = channel.received(
            bytes.span, plain: &owner.plain, wire: &owner.wire, clear: &owner.clear, frames: &owner.frames)
        push(channel)
        guard !isClosed else { return }
        // A peer may say all it has to say with the last of its handshake, and leave.
        if speaker == nil, event == .open || !owner.plain.isEmpty { open(owner.speaker(of: self, channel.provenPeer)) }
        if let speaker, owner.plain.count > stash.count {
            owner.plain.withUnsafeBytes { take($0, speaker) }
        }
        owner.shrinkInput()
        guard !isClosed, !isLingering else { return }
        switch event {
        case .opening, .open: if hasTooMuchUnsent { pause() }
        case .closed: if isPaused { endsWhenTaken = true } else { end(nil) }
        case .failed(let reason): end(reason)
        }
    }

    /// Ends a connection that the peer, or a fault of its, has ended.
    func end(_ reason: String?) {
        if let reason { fail(reason) }
        speaker?.disconnected()
        guard !isClosed else { return }
        isLingering = true
        // Whatever the speaker had left for it stays unsent; the channel's last words are on their way.
        speaker?.outputQueue.reset(keeping: 0)
        if let channel { send(channel) }
        guard !isClosed else { return }
        updateEvents()
        owner.linger(self)
    }

    /// Gives a handshake up that takes too long.
    func giveUp(after seconds: Int) {
        let handshake = channel?.handshake ?? "PROXY header"
        fail("\(handshake) not finished within \(seconds) s ('limits: connect_timeout')")
        finish()
    }

    /// Whether its handshakes go on.
    var isOpening: Bool { !isClosed && !isLingering && speaker == nil }

    /// Logs what went wrong below the speaker; before there is one, its peer has failed to be let in.
    func fail(_ reason: String) {
        owner.reportFailure(.connectionFailed, "\(label): \(reason, as: .reason)")
        if speaker == nil { owner.failed(peer, reason) }
    }

    private var label: LogWords { speaker?.label ?? "\(peer.address, as: .address)" }

    // MARK: Sending

    /// Sends what waits: first what was wrapped already, then the speaker's output, a step at a time.
    func send(_ channel: Channel) {
        owner.wire.removeAll()
        push(channel)
        while !isClosed, !isWriteBlocked, let speaker, !speaker.outputQueue.isEmpty {
            guard wrap(channel, speaker) else { break }
            push(channel)
        }
        guard !isClosed, !isWriteBlocked else { return }
        if let speaker {
            speaker.sent(0, isBehind: false)
            speaker.outputQueue.reset(keeping: 4096)
        }
        if isLingering { sayGoodbye(channel) }
        owner.shrinkOutput()
    }

    /// Wraps the next step of the output.
    /// - Returns: whether there was one; not when a region cannot be read.
    private func wrap(_ channel: Channel, _ speaker: any Speaker) -> Bool {
        let count: Int
        if let region = speaker.outputQueue.firstRegion {
            owner.clear.removeAll()
            do throws(RegionFailure) {
                count = try region.read(into: &owner.clear, byteCountMax: Channel.stepBytes)
            } catch {
                giveUp(becauseOf: error.reason, speaker)
                return false
            }
            owner.clear.withUnsafeBytes { bytes in
                channel.send(
                    bytes.assumingMemoryBound(to: UInt8.self).span, wire: &owner.wire, frames: &owner.frames)
            }
            owner.clear.removeAll()
        } else {
            count = speaker.outputQueue.withFirstBytes { bytes in
                let count = min(bytes.count, Channel.stepBytes)
                channel.send(
                    UnsafeRawBufferPointer(rebasing: bytes[..<count]).assumingMemoryBound(to: UInt8.self).span,
                    wire: &owner.wire, frames: &owner.frames)
                return count
            }
        }
        speaker.outputQueue.removeFirst(count)
        return true
    }

    /// Sends the loop's `wire` behind what is unsent, and keeps what the socket does not take.
    private func push(_ channel: Channel) {
        defer { owner.wire.removeAll() }
        if isWriteBlocked || !channel.unsent.isEmpty {
            owner.wire.withUnsafeBytes { channel.unsent.append($0) }
            if !isWriteBlocked { pushBytes(of: &channel.unsent) }
        } else {
            pushBytes(of: &owner.wire)
            if isWriteBlocked { owner.wire.withUnsafeBytes { channel.unsent.append($0) } }
        }
        if channel.unsent.isEmpty { channel.unsent.reset(keeping: 0) }
    }

    private func pushBytes(of buffer: inout ByteBuffer) {
        guard !buffer.isEmpty, let socket else { return }
        let progress = socket.send(&buffer)
        owner.sentByteCount += progress.byteCount
        switch progress.state {
        case .all:
            if let speaker { speaker.sent(progress.byteCount, isBehind: !speaker.outputQueue.isEmpty) }
        case .later:
            isWriteBlocked = true
            speaker?.sent(progress.byteCount, isBehind: true)
            updateEvents()
        case .lost, .regionFailed:
            // The side that reads learns of the end too, and tells the speaker.
            buffer.removeAll()
            speaker?.outputQueue.reset(keeping: 0)
            if isLingering { finish() }
        }
    }

    /// Everything is sent: ends the channel, then our half of the connection.
    private func sayGoodbye(_ channel: Channel) {
        guard !isHalfClosed else { return }
        channel.close(isStopping: owner.isStopping, wire: &owner.wire, frames: &owner.frames)
        push(channel)
        guard !isClosed, !isWriteBlocked else { return }
        halfClose()
    }
}

/// Why a region of a file cannot be read.
struct RegionFailure: Error {
    let reason: String
}

extension FileRegion {
    /// Reads its first bytes.
    /// - Returns: how many: at least one.
    func read(into buffer: inout ByteBuffer, byteCountMax: Int) throws(RegionFailure) -> Int {
        while true {
            var status = 0
            buffer.append(upTo: min(count, byteCountMax)) { target in
                status = pread(file.descriptor, target.baseAddress, target.count, Int(offset))
                return max(0, status)
            }
            if status > 0 { return status }
            guard status < 0 else { throw RegionFailure(reason: "the file is shorter than it was") }
            if errno != EINTR { throw RegionFailure(reason: String(cString: strerror(errno))) }
        }
    }
}
