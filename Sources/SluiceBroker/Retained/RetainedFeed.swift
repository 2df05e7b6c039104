import SluiceCore

/// The retained messages of one new subscription on their way to it: a cursor in the stream `__retained`, at its
/// subscriber's pace.
///
/// A filter that matches few has their places; one that matches many, or needs a long search, reads the stream from its
/// beginning and passes over what is not the newest of its topic. Either way the cost in memory is a position.
/// Isolation: one shard's.
final class RetainedFeed {
    /// What asked for them.
    let subscription: Subscription
    /// The places of its messages in the order of the log; nil when it reads everything.
    private(set) var places: ArraySlice<Offset>?
    /// Where the stream ended when it began: what is newer comes live. What was on its way then may get its offset
    /// later.
    private(set) var end: Offset
    /// The append that the tree of retained messages waits for: only then are the places known.
    private(set) var unsettled: UInt64?

    init(_ subscription: Subscription, places: [Offset]?, end: Offset) {
        self.subscription = subscription
        self.places = places.map { $0.sorted()[...] }
        self.end = end
    }

    /// A feed whose places are found when append `unsettled` is over.
    init(_ subscription: Subscription, unsettled: UInt64, end: Offset) {
        self.subscription = subscription
        self.end = end
        self.unsettled = unsettled
    }

    /// Takes the places that were waited for.
    /// - Parameter end: the offset behind what they were waited for with.
    func found(_ places: [Offset]?, end: Offset) {
        assert(unsettled != nil, "places are found once")
        self.end = max(self.end, end)
        self.places = places.map { $0.sorted()[...] }
        unsettled = nil
    }

    /// Whether one record is all that is left.
    var isSingle: Bool { places?.count == 1 }

    /// Whether the record at `offset` is one of those that it knows of.
    func wants(_ offset: Offset) -> Bool {
        assert(unsettled == nil, "before its places are known a feed reads nothing")
        guard offset < end else { return false }
        return places.map { $0.first == offset } ?? true
    }

    /// Passes everything before `offset`.
    /// - Returns: where to read on; nil when it is done.
    func next(from offset: Offset) -> Offset? {
        guard let places else { return offset < end ? offset : nil }
        self.places = places.drop { $0 < offset }
        return self.places?.first
    }
}
