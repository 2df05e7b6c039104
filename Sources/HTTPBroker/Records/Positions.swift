import HTTPWire
import LogInterface
import SluiceBroker
import SluiceCore

/// Where a request begins or ends: the one grammar of positions, and several `PARTITION:OFFSET` with commas between, as
/// answers give them for the next request.
enum RequestPosition: Equatable {
    /// A position of the grammar.
    case one(ReplayPosition)
    /// An offset in each of these partitions, by their numbers; others are not read.
    case vector([Int: Offset])

    /// Reads one.
    /// - Throws: `HTTPFault` that names the parameter.
    init(_ text: String, of parameter: String, now: Timestamp) throws(HTTPFault) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        if parts.count == 1 {
            guard let position = ReplayPosition(text, now: now), position != .committed else {
                throw HTTPFault(.badRequest, "\(parameter) '\(text)': \(ReplayPosition.expectation)")
            }
            if case .offset(let partition, let offset) = position {
                self = .vector([partition: offset])
            } else {
                self = .one(position)
            }
            return
        }
        var offsets: [Int: Offset] = [:]
        for part in parts {
            guard case .offset(let partition, let offset)? = ReplayPosition(part, now: now), offsets[partition] == nil
            else {
                throw HTTPFault(
                    .badRequest, "\(parameter) '\(text)': expected PARTITION:OFFSET, with commas between several")
            }
            offsets[partition] = offset
        }
        self = .vector(offsets)
    }
}

extension RequestPosition {
    /// Looks whether a stream has the partitions that are named.
    /// - Throws: `HTTPFault` that names the stream and the partition.
    func check(of stream: StreamDescription) throws(HTTPFault) {
        guard case .vector(let offsets) = self,
            let stranger = offsets.keys.first(where: { !stream.partitions.indices.contains($0) })
        else { return }
        throw HTTPFault(
            .badRequest,
            "'\(stream.settings.name)' has partitions 0 to \(stream.partitions.count - 1), not \(stranger)")
    }
}

/// Offsets by partition as text: what `RequestPosition` reads.
enum PositionVector {
    static func text(_ offsets: some Collection<(number: Int, offset: Offset)>) -> String {
        offsets.map { "\($0.number):\($0.offset.rawValue)" }.joined(separator: ",")
    }
}
