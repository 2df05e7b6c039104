import DeviceProfiles

/// What an edge node of Sparkplug counts: its sessions, and the messages of the one that goes on.
///
/// Source: Sparkplug 3.0.0 §6.4.
struct SparkplugSession {
    /// A topic of the node's data.
    private let dataTopic: [UInt8]
    private var sessionNumber: UInt64 = 0
    private var sequence: UInt64 = 0

    /// The session of the node, or of the node of the device, whose data go to a topic.
    init(_ dataTopic: [UInt8]) { self.dataTopic = dataTopic }

    /// Another session begins.
    mutating func begin() {
        sessionNumber = (sessionNumber + 1) % 256
        sequence = 0
    }

    /// The number of the node's next message: 0 for its birth, and 0 again behind 255.
    mutating func next() -> UInt64 {
        defer { sequence = (sequence + 1) % 256 }
        return sequence
    }

    /// What ties a death to its birth.
    var number: SparkplugWriter.Metric {
        SparkplugWriter.Metric(
            name: "bdSeq", alias: nil, datatype: .int64, value: .integer(Int64(sessionNumber)))
    }

    /// The node's topic of a kind.
    func topic(_ kind: SparkplugTopic.Kind) -> [UInt8] {
        let levels = Self.levels(dataTopic)
        let isDevice = levels.contains { $0.elementsEqual(SparkplugTopic.Kind.deviceData.rawValue.utf8) }
        let own = isDevice ? Array(levels.dropLast().joined(separator: Self.slash)) : dataTopic
        return Self.topic(own, as: kind)
    }

    /// A topic of data as one of another kind.
    static func topic(_ topic: [UInt8], as kind: SparkplugTopic.Kind) -> [UInt8] {
        let kinds = [SparkplugTopic.Kind.nodeData, .deviceData].map { Array($0.rawValue.utf8) }
        let levels = levels(topic).map { kinds.contains(Array($0)) ? Array(kind.rawValue.utf8)[...] : $0 }
        return Array(levels.joined(separator: slash))
    }

    private static let slash = [UInt8(ascii: "/")]

    private static func levels(_ topic: [UInt8]) -> [ArraySlice<UInt8>] {
        topic.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    }
}
