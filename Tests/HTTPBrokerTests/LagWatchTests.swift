import SluiceCore
import Testing

@testable import HTTPBroker

@Suite("How far groups are behind")
struct LagWatchTests {
    private func place(_ number: Int) -> LagWatch.Place {
        LagWatch.Place(group: "g\(number)", partition: PartitionID(rawValue: UInt32(number)))
    }

    @Test("an age that is known stays while there is no room for another look-up")
    func keeps() {
        var watch = LagWatch()
        let places = (0..<100).map(place)
        watch.beginLook()
        for place in places where watch.note(place, at: Offset(rawValue: 1)) {
            watch.found(place, at: Offset(rawValue: 1), stored: Timestamp(rawValue: 7))
        }
        watch.endLook()
        watch.beginLook()
        var asked: [LagWatch.Place] = []
        for place in places where watch.note(place, at: Offset(rawValue: 2)) && watch.hasRoom {
            watch.await(place)
            asked.append(place)
        }
        watch.endLook()
        #expect(asked.count == LagWatch.lookupCountMax && !watch.hasRoom)
        #expect(places.allSatisfy { watch.time(of: $0) == Timestamp(rawValue: 7) })
        // Who is asked for is not asked for again, and an answer makes room.
        watch.beginLook()
        let isAskedAgain = watch.note(asked[0], at: Offset(rawValue: 3))
        watch.endLook()
        #expect(!isAskedAgain)
        watch.answered(asked[0])
        watch.found(asked[0], at: Offset(rawValue: 2), stored: Timestamp(rawValue: 8))
        #expect(watch.hasRoom && watch.time(of: asked[0]) == Timestamp(rawValue: 8))
        #expect(watch.time(of: places[99]) == nil, "who is not named has done with everything")
        watch.beginLook()
        let hasMoved = watch.note(asked[0], at: Offset(rawValue: 3))
        watch.endLook()
        #expect(hasMoved)
    }

    @Test("an hour of points is kept of each group that there is")
    func series() {
        var watch = LagWatch()
        for time in 0..<500 {
            watch.record(groups: [("a", .init(time: Int64(time), records: 1, age: 2))], bridges: [])
        }
        #expect(watch.groups["a"]?.points.map(\.time) == Array(140..<500))
        watch.record(groups: [("b", .init(time: 1, records: 1, age: 2))], bridges: [])
        #expect(watch.groups.keys.sorted() == ["b"])
    }
}
