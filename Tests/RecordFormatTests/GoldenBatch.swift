// Origin: kafka-python 3.0.12, DefaultRecordBatchBuilder(magic=2), no compression, no producer; four records:
// (1700000000000, "dev42", "21.5", mqtt.topic), (1700000000007, null, "", no headers),
// (1699999999990, "dev43", null, mqtt.topic and mqtt.qos), (1700000000200, 70 x "k", 200 x "v", no headers).

/// A record batch that another implementation made.
enum GoldenBatch {
    static let hex = """
        0000000000000000000001c200000000021046abf20000000000030000018bcfe568000000018bcfe568c8ffffffffff
        ffffffffffffffffff00000004680000000a64657634320832312e3502146d7174742e746f7069633273656e736f7273
        2f6265726c696e2f64657634322f74656d700c000e02010000760013040a64657634330104146d7174742e746f706963
        3273656e736f72732f6265726c696e2f64657634332f74656d70106d7174742e716f730231ae04009003068c016b6b6b
        6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b
        6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b9003767676767676767676767676767676767676767676767676767676
        767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676
        767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676
        767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676767676
        767676767676767676767676767676767676767676767676767676767600
        """

    static let bytes: [UInt8] = {
        let digits = hex.compactMap { $0.hexDigitValue.map { UInt8($0) } }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }()

    struct Record: Equatable {
        var timestamp: Int64
        var key: String?
        var value: String?
        var headers: [String] = []
    }

    static let records = [
        Record(
            timestamp: 1_700_000_000_000, key: "dev42", value: "21.5", headers: ["mqtt.topic=sensors/berlin/dev42/temp"]
        ),
        Record(timestamp: 1_700_000_000_007, key: nil, value: ""),
        Record(
            timestamp: 1_699_999_999_990, key: "dev43", value: nil,
            headers: ["mqtt.topic=sensors/berlin/dev43/temp", "mqtt.qos=1"]),
        Record(
            timestamp: 1_700_000_000_200, key: String(repeating: "k", count: 70),
            value: String(repeating: "v", count: 200)),
    ]
}
