import Bridging
import CMosquitto
import Glibc

/// What libmosquitto's numbers mean for somebody who has to mend it.
enum MosquittoReason {
    /// A CONNACK or DISCONNECT that says no.
    static func refusal(_ code: Int, _ version: BridgeSettings.Version, _ reason: String?) -> UpstreamFailure {
        let said = reason.map { ", '\($0)'" } ?? ""
        let number = "reason 0x\(String(code, radix: 16))\(said)"
        if code < 0x80 {
            // MQTT 3.1.1 §3.2.2.3; brokers without MQTT 5 answer with these as well.
            return switch code {
            case 1: UpstreamFailure(.version, "the upstream does not speak MQTT \(version.rawValue)")
            case 2: UpstreamFailure(.credentials, "the upstream does not take the client identifier")
            case 3: UpstreamFailure(.full, "the upstream is not available")
            case 4: UpstreamFailure(.credentials, "user name or password are wrong")
            case 5: UpstreamFailure(.credentials, "the bridge is not authorised")
            default: UpstreamFailure(.protocol, "the upstream refused, \(number)")
            }
        }
        return switch code {
        case 0x84: UpstreamFailure(.version, "the upstream does not speak MQTT \(version.rawValue)")
        case 0x85: UpstreamFailure(.credentials, "the upstream does not take the client identifier\(said)")
        case 0x86: UpstreamFailure(.credentials, "user name or password are wrong\(said)")
        case 0x87: UpstreamFailure(.credentials, "the bridge is not authorised\(said)")
        case 0x8A: UpstreamFailure(.credentials, "the bridge is banned\(said)")
        case 0x88, 0x89: UpstreamFailure(.full, "the upstream is busy\(said)")
        case 0x8B: UpstreamFailure(.full, "the upstream is shutting down\(said)")
        case 0x97: UpstreamFailure(.full, "the upstream's quota is used up\(said)")
        case 0x9F: UpstreamFailure(.full, "the upstream takes no more connections now\(said)")
        case 0x8E: UpstreamFailure(.protocol, "another client took the identifier over\(said)")
        case 0x8D: UpstreamFailure(.timeout, "the upstream heard nothing for too long\(said)")
        default: UpstreamFailure(.protocol, "the upstream refused, \(number)")
        }
    }

    /// A call that failed.
    static func failure(_ result: Int32, _ code: Int32, isUp: Bool, isConnecting: Bool) -> UpstreamFailure {
        let system = code == 0 ? "" : ": \(String(cString: strerror(code)))"
        switch result {
        case MOSQ_ERR_EAI.rawValue:
            return UpstreamFailure(.dns, "the host name has no address")
        case MOSQ_ERR_ERRNO.rawValue:
            return UpstreamFailure(.tcp, isConnecting ? "no connection\(system)" : "the connection broke\(system)")
        case MOSQ_ERR_CONN_LOST.rawValue, MOSQ_ERR_NO_CONN.rawValue:
            if isUp { return UpstreamFailure(.tcp, "the upstream closed the connection") }
            return UpstreamFailure(.tcp, "the upstream closed the connection before it answered\(system)")
        case MOSQ_ERR_KEEPALIVE.rawValue: return UpstreamFailure(.timeout, "the upstream does not answer pings")
        case MOSQ_ERR_TLS.rawValue: return UpstreamFailure(.tls, "the handshake failed")
        case _: return UpstreamFailure(.protocol, String(cString: mosquitto_strerror(result)))
        }
    }

    /// The packet identifier in a line of the library's log that tells of a packet.
    static func packetID(in line: String, of packet: String) -> UInt16? {
        guard let place = line.firstRange(of: "received \(packet) ("), let mid = line.firstRange(of: "Mid: ") else {
            return nil
        }
        guard place.upperBound <= mid.upperBound else { return nil }
        return UInt16(line[mid.upperBound...].prefix { $0.isASCII && $0.isNumber })
    }
}
