import SluiceCore

/// How far groups and bridges are behind, and were in the last hour.
///
/// How old the oldest record is that a group has not done with, is in the log: it is looked up every ten seconds, where
/// the group has moved since.
/// Isolation: its endpoint's.
struct LagWatch {
    /// Nanoseconds between two looks.
    static let interval: Int64 = 10_000_000_000
    /// Groups that are followed, and as many bridges, the first by their names; 360 points of each take 9 KiB.
    static let seriesCountMax = 1000
    /// Partitions of groups whose oldest record is looked up.
    static let placeCountMax = 20_000
    /// Look-ups in files that are under way at a time.
    static let lookupCountMax = 64

    /// A group's place in a partition.
    struct Place: Hashable {
        var group: String
        var partition: PartitionID
    }

    /// The oldest record that a group has not done with.
    private struct Oldest {
        var offset: Offset
        var time: Timestamp
    }

    /// Where somebody stood at a moment.
    struct Point {
        /// Milliseconds since 1970.
        var time: Int64
        /// Records that it had not done with.
        var records: Int64
        /// How old the oldest of them was, in milliseconds.
        var age: Int64
    }

    /// Groups by name, the oldest point first.
    private(set) var groups: [String: TimeSeries<Point>] = [:]
    /// Bridges likewise.
    private(set) var bridges: [String: TimeSeries<Point>] = [:]
    private var oldest: [Place: Oldest] = [:]
    private var known: [Place: Oldest] = [:]
    /// Places whose records are looked up in files.
    private var awaited: Set<Place> = []
    /// Whether there is room for one more look-up.
    var hasRoom: Bool { awaited.count < Self.lookupCountMax }
    /// The group with which the next look begins, so that all get their turn at look-ups; nil for the first.
    var nextGroup: String?
    /// The last hour as a document, as of the last look; nil until somebody asks.
    var document: [UInt8]?
    /// When it was last looked, by the loop's clock; nil before.
    var lookedAt: Int64?

    // MARK: Ages

    /// When the oldest record was stored that a group has not done with in a partition; nil when that is not known yet.
    func time(of place: Place) -> Timestamp? { oldest[place]?.time }

    /// A look begins: places that are not named until `endLook` are forgotten.
    mutating func beginLook() {
        known = oldest
        oldest.removeAll(keepingCapacity: true)
    }

    /// A group has not done with the record at `offset`.
    /// - Returns: whether that record is to be looked up.
    mutating func note(_ place: Place, at offset: Offset) -> Bool {
        guard oldest.count < Self.placeCountMax else { return false }
        guard let former = known[place] else { return !awaited.contains(place) }
        oldest[place] = former
        return former.offset != offset && !awaited.contains(place)
    }

    /// The look is over.
    mutating func endLook() { known.removeAll() }

    /// The record was found.
    mutating func found(_ place: Place, at offset: Offset, stored time: Timestamp) {
        oldest[place] = Oldest(offset: offset, time: time)
    }

    /// The record is looked up in files.
    mutating func await(_ place: Place) {
        awaited.insert(place)
    }

    /// A look-up is over, with or without an answer.
    mutating func answered(_ place: Place) {
        let isKnown = awaited.remove(place) != nil
        assert(isKnown, "an answer belongs to a look-up")
    }

    // MARK: The last hour

    /// Where everybody stands now; who is not named has gone.
    mutating func record(groups: [(name: String, point: Point)], bridges: [(name: String, point: Point)]) {
        document = nil
        Self.record(groups, &self.groups)
        Self.record(bridges, &self.bridges)
    }

    private static func record(_ points: [(name: String, point: Point)], _ series: inout [String: TimeSeries<Point>]) {
        var kept: [String: TimeSeries<Point>] = [:]
        for (name, point) in points.sorted(by: { $0.name < $1.name }).prefix(seriesCountMax) {
            var points = series[name] ?? TimeSeries()
            points.append(point)
            kept[name] = points
        }
        series = kept
    }
}

/// What was noted every ten seconds of the last hour.
struct TimeSeries<Point> {
    private static var countMax: Int { 360 }
    private var ring = Ring<Point>()

    /// Notes what is; what was an hour ago goes.
    mutating func append(_ point: Point) {
        if ring.count == Self.countMax { _ = ring.popFirst() }
        ring.append(point)
    }

    /// The oldest first.
    var points: [Point] { (0..<ring.count).map { ring[$0] } }
}
