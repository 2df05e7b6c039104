package import Bridging
import CMosquitto
import Cryptography
import Glibc

/// An upstream MQTT broker through libmosquitto.
///
/// libmosquitto writes an acknowledgement before it shows the message, and a PUBREL as soon as a PUBREC has come. Told
/// that threads are the application's (`mosquitto_threaded_set`), it only queues what is to be written, so nothing
/// leaves before `flush`: that is what lets a bridge make durable first what it acknowledges. A new handle is made for
/// each connection; the library's own queue never outlives one. Most publishes go past it (`DirectPublishing`).
/// Isolation: one thread, but for `wake`.
package final class MosquittoUpstream: UpstreamClient {
    /// Bytes, roughly, that one call of `receive` takes in.
    private static let receiveBytesMax = 256 << 10
    /// Events that one call of `receive` takes in.
    private static let eventsMax = 4096
    /// A handshake that ended without a word; a word may have been lost with the connection.
    package static let brokenOff = UpstreamFailure(
        .tls, "the handshake failed: the upstream broke it off, or does not speak TLS")
    private static let library: Void = { mosquitto_lib_init() }()

    private let settings: BridgeSettings
    private let node: String
    private let will: (topic: String, payload: String)?
    private let alarm: Alarm
    private var security: TLSClientContext?
    private var handle: OpaquePointer?
    private var events: [UpstreamEvent] = []
    private var receivedByteCount = 0
    private var lastReceive: Int64 = 0
    private var isConnecting = false
    private var isUp = false
    private var isOver = true
    /// Publishes that go past the library; nil when TLS or QoS 2 need it.
    private var direct: DirectPublishing?
    /// Releases that were sent without the library's knowledge.
    private var releasing: [UInt16] = []
    private var scratch: [CChar] = []
    private var complaint: String?

    /// A client of `settings`; it does not connect yet.
    /// - Parameter will: what the upstream is to tell when the bridge is lost.
    package init(_ settings: BridgeSettings, will: (topic: String, payload: String)?) {
        _ = Self.library
        self.settings = settings
        self.will = will
        node = settings.name
        alarm = Alarm()
    }

    deinit { if let handle { mosquitto_destroy(handle) } }

    /// See `UpstreamClient`.
    package var wake: @Sendable () -> Void { { [alarm] in alarm.ring() } }

    // MARK: Connecting

    /// See `UpstreamClient`.
    package func connect(_ attempt: UpstreamAttempt) {
        forget()
        isOver = false
        guard let made = mosquitto_new(settings.remoteClientID, settings.isClean, nil) else {
            return lose(UpstreamFailure(.protocol, "'\(settings.remoteClientID)' is no client identifier"))
        }
        handle = made
        mosquitto_user_data_set(made, Unmanaged.passUnretained(self).toOpaque())
        mosquitto_threaded_set(made, true)
        mosquitto_int_option(made, MOSQ_OPT_PROTOCOL_VERSION, settings.version == .v5 ? 5 : 4)
        mosquitto_int_option(made, MOSQ_OPT_TCP_NODELAY, 1)
        // The bridge bounds what is on its way; what it hands over must not wait in the library.
        mosquitto_int_option(made, MOSQ_OPT_SEND_MAXIMUM, 65_535)
        if let username = settings.username { mosquitto_username_pw_set(made, username, settings.password) }
        if let will {
            let payload = Array(will.payload.utf8)
            mosquitto_will_set(made, will.topic, Int32(payload.count), payload, 1, true)
        }
        let isAssured = settings.topics.contains { $0.direction.isOut && $0.qos == .exactlyOnce }
        MosquittoCallbacks.set(made, notes: isAssured || settings.security != nil)
        complaint = nil
        guard secure(made, attempt.address.host) else { return }
        if settings.security == nil, !isAssured, attempt.unreceived.isEmpty, attempt.unreleased.isEmpty {
            direct = DirectPublishing()
        }
        queue(attempt, made)
        releasing = attempt.unreleased
        isConnecting = true
        let result = connect(made, attempt)
        if result != MOSQ_ERR_SUCCESS.rawValue { lose(failure(result, errno)) }
    }

    /// An MQTT 5 session outlives its connection only when the CONNECT says for how long. Only the library's blocking
    /// form takes properties; it keeps them before it looks at the port, and the other form sends what is kept.
    private func connect(_ handle: OpaquePointer, _ attempt: UpstreamAttempt) -> Int32 {
        let address = attempt.address
        let keepAlive = Int32(settings.keepAliveSeconds)
        if settings.version == .v5 {
            var properties: OpaquePointer?
            defer { mosquitto_property_free_all(&properties) }
            if !settings.isClean {
                mosquitto_property_add_int32(
                    &properties, Int32(MQTT_PROP_SESSION_EXPIRY_INTERVAL.rawValue), UInt32.max)
            }
            if !attempt.node.isEmpty {
                mosquitto_property_add_string_pair(
                    &properties, Int32(MQTT_PROP_USER_PROPERTY.rawValue),
                    String(decoding: HopCount.bridgeName, as: UTF8.self),
                    String(decoding: attempt.node, as: UTF8.self))
            }
            let result = mosquitto_connect_bind_v5(handle, address.host, -1, keepAlive, nil, properties)
            precondition(result == MOSQ_ERR_INVAL.rawValue, "The library connects to a port that there is not")
        }
        return mosquitto_connect_bind_async(
            handle, address.host, Int32(address.port), keepAlive, settings.bindAddress)
    }

    /// - Returns: false when there is something wrong, which an event tells.
    private func secure(_ handle: OpaquePointer, _ host: String) -> Bool {
        guard let wanted = settings.security else { return true }
        do throws(TLSMaterialError) {
            let context = try TLSClientContext(wanted.material, host: wanted.acceptsOtherHosts ? nil : host)
            security = context
            mosquitto_int_option(handle, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0)
            _ = context.withAddress { address in
                mosquitto_void_option(handle, MOSQ_OPT_SSL_CTX, UnsafeMutableRawPointer(bitPattern: address))
            }
            return true
        } catch {
            lose(UpstreamFailure(.tls, "\(error.part.title) \(error.reason)"))
            return false
        }
    }

    /// Hands over what an earlier connection left at QoS 2, under the identifiers it has: the library gives out the
    /// next one each time, so those between are used up by messages at QoS 0 that nobody takes. It sends what it holds
    /// when the CONNACK comes.
    private func queue(_ attempt: UpstreamAttempt, _ handle: OpaquePointer) {
        var last: UInt16 = 0
        for (packetID, message) in attempt.unreceived {
            last = wind(handle, from: last, to: packetID == 1 ? 65_535 : packetID - 1)
            var given: Int32 = 0
            _ = publish(message, handle, &given)
            precondition(UInt16(truncatingIfNeeded: given) == packetID, "Cannot give a message its packet identifier")
            last = packetID
        }
        _ = wind(handle, from: last, to: attempt.lastPacketID)
    }

    private func wind(_ handle: OpaquePointer, from last: UInt16, to wanted: UInt16) -> UInt16 {
        var last = last
        while last != wanted, wanted != 0 {
            var given: Int32 = 0
            mosquitto_publish(handle, &given, "sluice", 0, nil, 0, false)
            last = UInt16(truncatingIfNeeded: given)
        }
        return last
    }

    /// See `UpstreamClient`.
    package func disconnect() {
        guard let handle else { return }
        if isUp, !(direct?.isHalfWritten ?? false) {
            mosquitto_disconnect(handle)
            mosquitto_loop_write(handle, 1)
        }
        drop()
    }

    /// See `UpstreamClient`.
    package func drop() {
        forget()
        events.removeAll()
    }

    private func forget() {
        if let handle { mosquitto_destroy(handle) }
        handle = nil
        direct = nil
        isUp = false
        isConnecting = false
        isOver = true
        releasing = []
    }

    // MARK: Commands

    /// See `UpstreamClient`.
    package func publish(_ message: borrowing BridgeMessage) -> PublishOutcome {
        guard let handle, isUp, !isOver else { return .unconnected }
        var packetID: Int32 = 0
        let result: Int32
        if direct != nil {
            result = check(message)
            if result == MOSQ_ERR_SUCCESS.rawValue, let outcome = direct?.publish(message, settings.version) {
                return outcome
            }
        } else {
            result = publish(message, handle, &packetID)
        }
        switch result {
        case MOSQ_ERR_SUCCESS.rawValue: return .taken(packetID: UInt16(truncatingIfNeeded: packetID))
        case MOSQ_ERR_OVERSIZE_PACKET.rawValue: return .impossible("it is larger than the upstream takes")
        case MOSQ_ERR_QOS_NOT_SUPPORTED.rawValue: return .impossible("the upstream has no QoS \(message.qos.rawValue)")
        case MOSQ_ERR_INVAL.rawValue, MOSQ_ERR_MALFORMED_UTF8.rawValue, MOSQ_ERR_PAYLOAD_SIZE.rawValue:
            return .impossible(String(cString: mosquitto_strerror(result)))
        default:
            lose(failure(result, errno))
            return .unconnected
        }
    }

    /// What the library looks at before it takes a message.
    private func check(_ message: borrowing BridgeMessage) -> Int32 {
        guard message.payload.count <= Int(MQTT_MAX_PAYLOAD) else { return MOSQ_ERR_PAYLOAD_SIZE.rawValue }
        let topic = message.topic
        return topic.withUnsafeBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                guard let base = text.baseAddress, text.count <= UInt16.max else { return MOSQ_ERR_INVAL.rawValue }
                let result = mosquitto_validate_utf8(base, Int32(text.count))
                guard result == MOSQ_ERR_SUCCESS.rawValue else { return result }
                return mosquitto_pub_topic_check2(base, text.count)
            }
        }
    }

    private func publish(
        _ message: borrowing BridgeMessage, _ handle: OpaquePointer, _ packetID: inout Int32
    ) -> Int32 {
        scratch.removeAll(keepingCapacity: true)
        for byte in message.topic { scratch.append(CChar(bitPattern: byte)) }
        scratch.append(0)
        var properties: OpaquePointer?
        if settings.version == .v5, !message.properties.isEmpty {
            properties = MosquittoProperties.list(message.properties)
        }
        defer { mosquitto_property_free_all(&properties) }
        let payload = message.payload
        return payload.withUnsafeBytes { bytes in
            mosquitto_publish_v5(
                handle, &packetID, scratch, Int32(bytes.count), bytes.baseAddress, Int32(message.qos.rawValue),
                message.isRetained, properties)
        }
    }

    /// See `UpstreamClient`.
    package func subscribe(_ subscription: TopicMap.Subscription, noLocal: Bool) -> UInt16? {
        guard let handle, isUp, !isOver else { return nil }
        let filter = String(decoding: subscription.filter, as: UTF8.self)
        var packetID: Int32 = 0
        var options: Int32 = 0
        if settings.version == .v5 {
            options = Int32(MQTT_SUB_OPT_RETAIN_AS_PUBLISHED.rawValue)
            if noLocal { options |= Int32(MQTT_SUB_OPT_NO_LOCAL.rawValue) }
        }
        let qos = Int32(min(subscription.qos, .atLeastOnce).rawValue)
        let result = mosquitto_subscribe_v5(handle, &packetID, filter, qos, options, nil)
        guard result == MOSQ_ERR_SUCCESS.rawValue else {
            lose(failure(result, errno))
            return nil
        }
        return UInt16(truncatingIfNeeded: packetID)
    }

    /// See `UpstreamClient`.
    package func receive(into taken: inout [UpstreamEvent]) {
        receivedByteCount = 0
        lastReceive = Self.nanoseconds
        if let handle, !isOver {
            while receivedByteCount < Self.receiveBytesMax, events.count < Self.eventsMax {
                guard isForLibrary(handle) else { break }
                let before = events.count
                errno = 0
                let result = mosquitto_loop_read(handle, 1)
                if result != MOSQ_ERR_SUCCESS.rawValue {
                    lose(failure(result, errno))
                    break
                }
                if isOver || events.count == before, !hasBufferedInput(handle) { break }
            }
            if !isOver {
                // mosquitto leaves Nagle's algorithm on: what it has to say waits for an acknowledgement of what it
                // said, and with nothing to send that would be a delayed one. The kernel forgets the option soon.
                Self.set(mosquitto_socket(handle), TCP_QUICKACK, 1)
                let result = mosquitto_loop_misc(handle)
                if result != MOSQ_ERR_SUCCESS.rawValue { lose(failure(result, errno)) }
            }
        }
        taken += events
        events.removeAll(keepingCapacity: true)
    }

    /// Takes the acknowledgements that are first in the socket, where they are ours.
    /// - Returns: whether the library has something to read.
    private func isForLibrary(_ handle: OpaquePointer) -> Bool {
        guard isUp, let input = direct?.receive(mosquitto_socket(handle), into: &events) else { return true }
        switch input {
        case .library: return true
        case .nothing: return false
        case .broken(let what):
            lose(UpstreamFailure(.protocol, "the upstream sent \(what)"))
            return false
        }
    }

    private func hasBufferedInput(_ handle: OpaquePointer) -> Bool {
        guard security != nil, let connection = mosquitto_ssl_get(handle) else { return false }
        return TLSPeer.hasPendingBytes(connectionAt: UInt(bitPattern: connection))
    }

    /// See `UpstreamClient`.
    package func flush() {
        guard let handle, !isOver, !isConnecting || isReady(handle, POLLOUT), hearsRefusal(handle) else { return }
        let socket = mosquitto_socket(handle)
        // Each writes whole packets, and not into the middle of the other's.
        if direct?.isHalfWritten ?? false {
            flushDirect(socket)
            guard !isOver, !(direct?.isHalfWritten ?? false) else { return }
        }
        if mosquitto_want_write(handle) { flushLibrary(handle, socket) }
        guard !isOver, !mosquitto_want_write(handle) else { return }
        flushDirect(socket)
    }

    private func flushDirect(_ socket: Int32) {
        guard direct?.hasOutput ?? false else { return }
        guard direct?.flush(socket, into: &events) == false else { return }
        lose(failure(MOSQ_ERR_ERRNO.rawValue, errno))
    }

    /// One round writes the whole queue, or as much as the socket takes, with a system call for each packet. Corked,
    /// they share segments: the upstream is woken once, not for each.
    private func flushLibrary(_ handle: OpaquePointer, _ socket: Int32) {
        Self.set(socket, TCP_CORK, 1)
        errno = 0
        let result = mosquitto_loop_write(handle, 1)
        let code = errno
        Self.set(socket, TCP_CORK, 0)
        errno = code
        if result != MOSQ_ERR_SUCCESS.rawValue { lose(failure(result, errno)) }
    }

    private static func set(_ socket: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(socket, Int32(IPPROTO_TCP), option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private func isReady(_ handle: OpaquePointer, _ events: Int32) -> Bool {
        var descriptor = pollfd(fd: mosquitto_socket(handle), events: Int16(events), revents: 0)
        return descriptor.fd >= 0 && poll(&descriptor, 1, 0) > 0
    }

    /// A server of TLS 1.3 that does not take the client's certificate says so behind the handshake, and is gone. The
    /// library's CONNECT would find out no more than that: what was said is read first.
    /// - Returns: whether there is a connection still.
    private func hearsRefusal(_ handle: OpaquePointer) -> Bool {
        guard security != nil, isConnecting, isReady(handle, POLLIN) else { return true }
        errno = 0
        let result = mosquitto_loop_read(handle, 1)
        if result != MOSQ_ERR_SUCCESS.rawValue { lose(failure(result, errno)) }
        return !isOver
    }

    /// See `UpstreamClient`.
    package func wait(until deadline: Int64, isHeld: Bool) {
        guard events.isEmpty else { return }
        if !isHeld, !isOver { gather() }
        var descriptors = [pollfd(fd: alarm.descriptor, events: Int16(POLLIN), revents: 0)]
        if let handle, !isOver, mosquitto_socket(handle) >= 0 {
            if hasBufferedInput(handle), !isHeld { return }
            var wanted = isHeld ? 0 : Int16(POLLIN)
            if !isHeld, mosquitto_want_write(handle) || direct?.hasOutput ?? false { wanted |= Int16(POLLOUT) }
            direct?.prepareToWait(mosquitto_socket(handle))
            if wanted != 0 { descriptors.append(pollfd(fd: mosquitto_socket(handle), events: wanted, revents: 0)) }
        }
        let left = max(0, deadline - Self.nanoseconds)
        // Rounded up: a wait that ends too early would only begin again.
        _ = poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: (left + 999_999) / 1_000_000))
        if descriptors[0].revents != 0 { alarm.silence() }
    }

    /// Lets acknowledgements gather.
    private func gather() {
        let left = lastReceive + (direct?.gatherNanoseconds ?? 0) - Self.nanoseconds
        guard left > 0 else { return }
        var time = timespec(tv_sec: 0, tv_nsec: Int(left))
        nanosleep(&time, nil)
    }

    private static var nanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    // MARK: Events of the library

    /// The CONNACK.
    func answered(_ code: Int, sessionPresent: Bool, limits: MosquittoLimits, reason: String?) {
        isConnecting = false
        guard code == 0 else { return lose(MosquittoReason.refusal(code, settings.version, reason)) }
        isUp = true
        direct?.packetBytesMax = limits.packetBytesMax
        direct?.qosMax = limits.qosMax
        direct?.takesRetained = limits.takesRetained
        if let handle, let security, let connection = mosquitto_ssl_get(handle) {
            if let warning = security.expiryWarning(connectionAt: UInt(bitPattern: connection), now: Int64(time(nil))) {
                events.append(.warning(warning))
            }
        }
        events.append(.connected(sessionPresent: sessionPresent, inflightMax: limits.inflightMax, node: limits.node))
        if sessionPresent { release() }
    }

    /// Sends the PUBRELs that an earlier connection owes, past the library, which does not know of them: the queue is
    /// empty behind a CONNECT, so nothing is torn apart.
    private func release() {
        guard let handle, !releasing.isEmpty else { return }
        var bytes: [UInt8] = []
        for packetID in releasing { bytes += [0x62, 2, UInt8(packetID >> 8), UInt8(truncatingIfNeeded: packetID)] }
        let isSent: Bool
        if let connection = mosquitto_ssl_get(handle) {
            isSent = TLSPeer.write(bytes, connectionAt: UInt(bitPattern: connection))
        } else {
            isSent = send(mosquitto_socket(handle), bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
        }
        if !isSent { lose(UpstreamFailure(.tcp, "the releases of an earlier connection could not be sent")) }
    }

    /// A publish is over.
    func finished(_ packetID: UInt16, reason: UInt8) { events.append(.finished(packetID: packetID, reason: reason)) }

    /// A packet that the library tells of only in its log: PUBREC, and PUBCOMP of what it did not send itself.
    func noted(_ line: String) {
        if let packetID = MosquittoReason.packetID(in: line, of: "PUBREC") {
            events.append(.received(packetID: packetID))
        } else if let packetID = MosquittoReason.packetID(in: line, of: "PUBCOMP"),
            let index = releasing.firstIndex(of: packetID)
        {
            releasing.remove(at: index)
            finished(packetID, reason: 0)
        }
    }

    /// OpenSSL's error, which the library takes from its queue and writes to its log: `error:NUMBER:LIBRARY::REASON`.
    func complained(_ line: String) {
        guard line.contains("OpenSSL Error"), complaint == nil else { return }
        complaint = line.split(separator: ":").last.map(String.init)
    }

    /// The answer to a subscription.
    func subscribed(_ packetID: UInt16, _ codes: [UInt8]) {
        events.append(.subscribed(packetID: packetID, codes: codes))
    }

    /// A message.
    func came(_ message: BridgeMessage) {
        receivedByteCount += message.payload.count + message.topic.count
        direct?.libraryDidRead()
        events.append(.message(message))
    }

    /// The upstream ended the connection with a reason (MQTT 5).
    func disconnected(_ code: Int32, reason: String?) {
        guard settings.version == .v5, code >= 0x80 else { return }
        lose(MosquittoReason.refusal(Int(code), .v5, reason))
    }

    /// The first failure of a connection is its reason; what the library says behind it only follows from that.
    private func lose(_ failure: UpstreamFailure) {
        guard !isOver else { return }
        isOver = true
        isUp = false
        events.append(.lost(failure))
    }

    private func failure(_ result: Int32, _ code: Int32) -> UpstreamFailure {
        if let security, let refusal = security.takeRefusal() { return UpstreamFailure(.tls, refusal) }
        if security != nil, result == MOSQ_ERR_TLS.rawValue || code == EPROTO || complaint != nil {
            guard let reason = complaint ?? TLSPeer.lastError() else { return Self.brokenOff }
            return UpstreamFailure(.tls, "the handshake failed: \(reason)")
        }
        return MosquittoReason.failure(result, code, isUp: isUp, isConnecting: isConnecting)
    }
}
