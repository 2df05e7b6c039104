import Administration

/// Requests that wait for somebody else's answer.
struct OpenRequests {
    /// Changes of streams, which the log makes.
    var streams = StreamOrders()
    /// Devices that are being erased.
    var erasing = EraseDesk()
    /// Devices whose readings are looked up.
    var readings = OpenReadings()
}

/// Questions about devices whose last values are read from the log.
struct OpenReadings {
    /// One of them, with what is known from memory.
    struct Question {
        let place: BrokerShard.ReplyPlace
        var reports: [DeviceReport]
        let count: Int64
    }

    private var questions: [UInt64: Question] = [:]
    private var lastNumber: UInt64 = 0

    /// Questions that wait at a time; the others are answered with what memory has.
    private static let questionsMax = 64

    /// Takes a question in.
    /// - Returns: its number; nil when too many wait.
    mutating func add(_ question: Question) -> UInt64? {
        guard questions.count < Self.questionsMax else { return nil }
        lastNumber += 1
        questions[lastNumber] = question
        return lastNumber
    }

    /// A question that is to be answered.
    mutating func take(_ number: UInt64) -> Question? { questions.removeValue(forKey: number) }
}
