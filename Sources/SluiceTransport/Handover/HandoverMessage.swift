import CLinux
import Glibc

/// What two processes say to each other when one takes the other's listening sockets.
///
/// Layout: the request is the text `sluice-takeover 1` with one end of a pair of sockets; the answer, on that pair, one
/// line `NAME own` or `NAME pinned` for each socket that comes with it, in their order. The end of the pair is the end
/// of the process that has answered.
enum HandoverMessage {
    /// The name of the mailbox in the data directory.
    static let mailbox = "takeover"
    /// What asks for the sockets.
    static let request = "sluice-takeover 1"
    /// Bytes of a message at most.
    private static let byteCountMax = 4096

    /// Receives a message; the caller closes its sockets.
    /// - Returns: nil and `errno` when receiving fails; no text at the end.
    static func receive(_ channel: Int32) -> (text: String, sockets: [Int32])? {
        var bytes = [CChar](repeating: 0, count: byteCountMax)
        var sockets = [Int32](repeating: -1, count: Int(SLUICE_SOCKETS_MAX))
        var socketCount = 0
        let count = sluice_receive_sockets(channel, &bytes, bytes.count, &sockets, &socketCount)
        guard count >= 0 else { return nil }
        let text = String(decoding: bytes.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return (text, Array(sockets.prefix(socketCount)))
    }
}
