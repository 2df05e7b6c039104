import HTTPWire
import SluiceCore

/// One run: requests on one connection, in pieces of a size that the first byte chooses.
///
/// Read in pieces they must come to the same as read at once: the same heads, bodies and fault. What was taken as a head
/// or a body is within its bounds. A trap, or memory that the sanitiser objects to, is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = start.map { Array(UnsafeBufferPointer(start: $0, count: count)) } ?? []
    guard let first = bytes.first else { return 0 }
    let input = Array(bytes.dropFirst())
    let whole = Conversation.read(input, piece: max(1, input.count))
    precondition(Conversation.read(input, piece: Int(first % 16) + 1) == whole, "pieces change what is read")
    return 0
}

/// What a connection is understood to say.
private struct Conversation: Equatable {
    static let bodyMax = 1024
    var heads: [RequestHead] = []
    var bodies: [[UInt8]] = []
    var status: HTTPStatus?

    static func read(_ input: [UInt8], piece: Int) -> Conversation {
        var conversation = Conversation()
        var (arrived, start, scanned) = (0, 0, 0)
        var body: BodyReader?
        do throws(HTTPFault) {
            while arrived < input.count {
                arrived = min(input.count, arrived + piece)
                while start < arrived {
                    let rest = input.span.extracting(start..<arrived)
                    guard body != nil else {
                        guard let end = try RequestHead.end(in: rest, scanned: &scanned) else { break }
                        scanned = 0
                        let head = try RequestHead(rest.extracting(0..<end))
                        precondition(head.fields.count <= RequestHead.fieldCountMax)
                        conversation.heads.append(head)
                        body = try BodyReader(head.framing, byteCountMax: bodyMax)
                        start += end
                        conversation.takeOver(&body)
                        continue
                    }
                    let used = try body?.take(rest) ?? 0
                    precondition(used > 0 && used <= rest.count)
                    start += used
                    conversation.takeOver(&body)
                }
            }
        } catch {
            conversation.status = error.status
        }
        return conversation
    }

    private mutating func takeOver(_ body: inout BodyReader?) {
        guard body?.isOver == true, let whole = body.take() else { return }
        precondition(whole.body.count <= Self.bodyMax)
        bodies.append(Array(copying: whole.body.bytes))
    }
}
