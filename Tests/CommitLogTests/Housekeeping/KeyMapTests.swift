import CommitLog
import SluiceCore
import Testing

@Suite("The table of keys of a compaction")
struct KeyMapTests {
    private func bytes(_ number: Int) -> [UInt8] { Array("key \(number)".utf8) }

    /// Notes keys at offsets of their numbers until the map is full.
    /// - Returns: how many it took.
    private func fill(_ map: inout KeyMap, with numbers: Range<Int>) -> Int {
        for number in numbers {
            let isTaken = map.note(bytes(number).span, at: Offset(rawValue: Int64(number)))
            guard isTaken else { return number - numbers.lowerBound }
        }
        return numbers.count
    }

    private func offset(of number: Int, in map: borrowing KeyMap) -> Int64? {
        map.offset(of: bytes(number).span)?.rawValue
    }

    @Test("takes memory for the keys that there are, not for those that there might be")
    func startsSmall() {
        var map = KeyMap(byteCountMax: 64 << 20, seed: 1)
        let taken = fill(&map, with: 0..<700)
        let small = map.byteCount
        #expect(taken == 700 && small <= 24 << 10)
        let more = fill(&map, with: 700..<10_000)
        // At most three of four slots are used, and it doubles: less than 2.7 slots a key.
        let large = map.byteCount
        #expect(more == 9300 && large < 10_000 * 65)
    }

    @Test("knows the newest offset of every key, however often it has grown, and takes no more than it may")
    func grows() {
        var map = KeyMap(byteCountMax: 24 << 15, seed: 7)
        let taken = fill(&map, with: 0..<100_000)
        let (count, byteCount) = (map.count, map.byteCount)
        #expect(taken == 3 << 13 && count == taken && byteCount == 24 << 15)
        for number in 0..<100 {
            let isTaken = map.note(bytes(number).span, at: Offset(rawValue: 1_000_000))
            #expect(isTaken)
        }
        for number in 0..<taken {
            let found = offset(of: number, in: map)
            #expect(found == (number < 100 ? 1_000_000 : Int64(number)))
        }
        let none = offset(of: taken, in: map)
        #expect(none == nil)
    }
}
