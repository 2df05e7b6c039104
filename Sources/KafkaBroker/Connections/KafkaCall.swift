import KafkaWire
import RecordFormat
import SluiceCore
import Speaking

/// Records that stand in a response, where the writer has left a gap for them.
enum AnswerRecords {
    /// Bytes of a file, which are sent from where they are.
    case region(FileRegion)
    /// Batches in memory.
    case batches([RecordBatch])

    /// Bytes of memory that they take until they are sent.
    var heldByteCount: Int {
        switch self {
        case .region: 0
        case .batches(let batches): batches.reduce(0) { $0 + $1.byteCount }
        }
    }
}

/// A request that is under way: what is needed to answer it, and the answer while others before it have none.
///
/// Isolation: its loop's.
final class KafkaCall {
    let connection: KafkaConnection
    let api: KafkaAPI
    let version: Int16
    let correlationID: Int32
    let clientID: String?
    /// Bytes that it holds until it is answered.
    var heldByteCount = 0
    /// The answer; nil while there is none.
    var answer: Answer?

    /// An answer on its way to the socket.
    struct Answer {
        var bytes: [UInt8]
        var gaps: [KafkaGap]
        var records: [AnswerRecords]

        /// Nothing more is to be sent.
        static let nothing = Answer(bytes: [], gaps: [], records: [])
    }

    init(_ connection: KafkaConnection, _ prefix: KafkaRequestPrefix, _ api: KafkaAPI, clientID: String?) {
        self.connection = connection
        self.api = api
        self.clientID = clientID
        version = prefix.version
        correlationID = prefix.correlationID
    }

    /// A token of SASL, which has no header.
    init(token connection: KafkaConnection) {
        self.connection = connection
        api = .saslAuthenticate
        clientID = connection.clientID
        version = 0
        correlationID = 0
    }

    /// Whether nobody waits for the answer any more.
    var isAbandoned: Bool { connection.isGone }
}

extension String {
    /// It, or its beginning: what a client has sent is repeated in words to it, which have to fit into an answer.
    var shortened: String { utf8.count <= 200 ? self : String(prefix(100)) + "..." }
}

extension Span<UInt8> {
    /// A copy.
    var copied: [UInt8] { copy(ByteRange(start: 0, byteCount: count)) }
}
