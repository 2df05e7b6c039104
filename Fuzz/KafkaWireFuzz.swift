import KafkaWire
import SluiceCore

/// One run: the first byte chooses the message, the second its version, the rest is the message.
///
/// A trap, memory that the sanitiser objects to, arrays of more than a thousand times the message, or a message that
/// reads as another once it was written again is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 1 else { return 0 }
    let type = KafkaMessages.all[Int(start[0]) % KafkaMessages.all.count]
    let versions = type.versions
    let version = versions.lowerBound + Int16(start[1]) % Int16(versions.count)
    read(type, version, Array(UnsafeBufferPointer(start: start + 2, count: count - 2)))
    return 0
}

private func read<Message: KafkaMessage>(_ type: Message.Type, _ version: Int16, _ bytes: [UInt8]) {
    var reader = KafkaReader(bytes.span)
    do throws(KafkaWireError) {
        let message = try Message(from: &reader, version: version)
        precondition(reader.arrayByteCount <= 1000 * bytes.count)
        guard let first = written(message, version) else { return }
        guard let second = written(try Message.decode(first.span, version: version), version) else { return }
        precondition(first == second)
    } catch {
        precondition(error.offset <= bytes.count)
    }
}

/// The bytes of a message; nil when it has records, which lie in the frame that was read.
private func written<Message: KafkaMessage>(_ message: Message, _ version: Int16) -> [UInt8]? {
    var writer = KafkaWriter()
    do throws(KafkaWireError) {
        try message.encode(to: &writer, version: version)
    } catch {
        precondition(error.cause == .recordsElsewhere, "\(error)")
        return nil
    }
    let bytes = writer.buffer.bytes
    return bytes.indices.map { bytes[$0] }
}
