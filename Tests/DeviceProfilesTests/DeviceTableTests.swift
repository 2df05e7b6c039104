import DeviceProfiles
import Foundation
import Testing

@Suite struct DeviceTableTests {
    func sighting(_ time: Int64, _ offset: Int64, sequence: Int64? = nil) -> DeviceSighting {
        var sighting = DeviceSighting(at: time, partition: 0, offset: offset)
        sighting.sequence = sequence
        return sighting
    }

    private func key(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func place(_ text: String, _ profile: Int = 0, in table: DeviceTable) -> Int? {
        let bytes = key(text)
        return table.index(of: bytes.span, profile: profile)
    }

    private func saw(_ sighting: DeviceSighting, _ text: String, in table: inout DeviceTable) -> DeviceNews? {
        let bytes = key(text)
        return table.saw(sighting, of: bytes.span, profile: 0, silentFrom: 0)?.news
    }

    @Test("a device is told by profile and key, however many there are")
    func identity() throws {
        var table = DeviceTable(silences: [1000, nil])
        for number in 0..<20_000 {
            _ = table.saw(sighting(10, Int64(number)), of: key("dev\(number)").span, profile: 0, silentFrom: 0)
            _ = table.saw(sighting(20, Int64(number)), of: key("dev\(number)").span, profile: 1, silentFrom: 0)
        }
        #expect(table.count == 40_000)
        for number in stride(from: 0, to: 20_000, by: 997) {
            let index = try #require(place("dev\(number)", 1, in: table))
            #expect(table.key(at: index) == key("dev\(number)"))
            #expect(table[index].lastSeen == 20 && table[index].offset == Int64(number))
        }
        #expect(place("dev20000", in: table) == nil)
    }

    @Test("a record that was counted is not counted again")
    func idempotence() throws {
        var table = DeviceTable(silences: [nil])
        let answers = [(10, 5), (10, 5), (9, 4)].map { saw(sighting($0, $1), "a", in: &table) }
        #expect(answers == [DeviceNews.none, nil, nil])
        let name = key("a")
        for time: Int64 in [12, 13] {
            _ = table.sawDeadLetter(of: name.span, profile: 0, at: time, offset: 7, silentFrom: 0)
        }
        let index = try #require(place("a", in: table))
        #expect(table[index].count == 1 && table[index].badCount == 1 && table[index].lastSeen == 12)
    }

    @Test("numbers that do not come are a gap, and the same one again is a repetition")
    func gaps() throws {
        var table = DeviceTable(silences: [nil])
        var news: [DeviceNews] = []
        for (offset, number) in [10, 11, 14, 14, 3, 4].enumerated() {
            let seen = saw(sighting(Int64(offset), Int64(offset), sequence: Int64(number)), "a", in: &table)
            news.append(try #require(seen))
        }
        #expect(news == [.none, .none, .gap(missed: 2), .none, .none, .none])
        let index = try #require(place("a", in: table))
        #expect(table[index].missedCount == 2 && table[index].repeatedCount == 1 && table[index].sequence == 4)
    }

    @Test("a device is silent once, and back with its next message")
    func silence() throws {
        var table = DeviceTable(silences: [1000, nil])
        _ = table.saw(sighting(5000, 0), of: key("a").span, profile: 0, silentFrom: 0)
        _ = table.saw(sighting(5000, 0), of: key("b").span, profile: 1, silentFrom: 0)
        #expect(table.sweep(now: 5999, count: 10) == [])
        #expect(table.sweep(now: 6000, count: 10) == [0])
        #expect(table.sweep(now: 60_000, count: 10).isEmpty)
        #expect(saw(sighting(70_000, 1), "a", in: &table) == .back(silentSince: 5000))
        #expect(table[0].silenceCount == 1)
        #expect(table.sweep(now: 71_000, count: 10) == [0])
    }

    @Test("silence begins no sooner than the node")
    func silenceFromStart() {
        var table = DeviceTable(silences: [1000])
        _ = table.saw(sighting(5000, 0), of: key("a").span, profile: 0, silentFrom: 100_000)
        #expect(table.sweep(now: 100_999, count: 10).isEmpty)
        #expect(table.sweep(now: 101_000, count: 10) == [0])
    }

    @Test("what has changed is handed out once, and again when it changes again")
    func changes() {
        var table = DeviceTable(silences: [nil])
        for number in 0..<10 {
            _ = table.saw(sighting(1, Int64(number)), of: key("\(number)").span, profile: 0, silentFrom: 0)
        }
        #expect(table.dirtyCount == 10)
        table.beginRecording()
        #expect(table.dirtyCount == 0)
        let first = table.takeRecorded(7)
        _ = table.saw(sighting(2, 20), of: key("\(first[0])").span, profile: 0, silentFrom: 0)
        #expect(table.dirtyCount == 1)
        let rest = table.takeRecorded(7)
        #expect(Set(first + rest) == Set(0..<10) && table.takeRecorded(7).isEmpty)
    }

    @Test("beyond its bound no device is known, and the rest goes on")
    func bound() {
        var table = DeviceTable(silences: [nil], countMax: 2)
        for number in 0..<5 {
            _ = table.saw(sighting(1, 0), of: key("\(number)").span, profile: 0, silentFrom: 0)
        }
        #expect(table.count == 2 && table.untrackedCount == 3)
    }
}

extension DeviceTableTests {
    /// In a process of its own: this one's memory is that of every test that runs beside.
    @Test("a device takes 200 bytes of memory at most, its key counted")
    func memory() async {
        await #expect(processExitsWith: .success) {
            func resident() throws -> Int {
                let status = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
                return try #require(status.split(separator: " ").dropFirst().first.flatMap { Int($0) }) * 4096
            }
            let count = 1_000_000
            let before = try resident()
            var table = DeviceTable(silences: [1000])
            for number in 0..<count {
                // As long as most: a site and a serial number.
                let name = Array("berlin/SN-00\(1_000_000 + number)".utf8)
                var sighting = DeviceSighting(at: 10, partition: 0, offset: Int64(number))
                sighting.sequence = 1
                _ = table.saw(sighting, of: name.span, profile: 0, silentFrom: 0)
            }
            table.beginRecording()
            while !table.takeRecorded(10_000).isEmpty {}
            try #require(table.count == count)
            let each = (try resident() - before) / count
            // More than its key is there to be measured, so that the figure is one.
            try #require(20...200 ~= each, "\(each) bytes")
        }
    }
}
