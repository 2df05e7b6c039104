import CommitLog
import LogInterface
import SluiceCore
import SluiceTesting
import Testing

/// Compaction of a stream that transactions write to.
@Suite("Compaction and transactions")
struct CompactionTransactionTests {
    private let world: HousekeepingWorld

    init() throws {
        world = try HousekeepingWorld { policy, _ in
            policy.cleanup = .compact
            policy.dirtyPercentMin = 1
        }
    }

    /// Key and value of every record that is no mark.
    private func text() throws -> [String] { try world.text().filter { !$0.contains("\0") } }

    private func marks() throws -> Int { try world.text().count - text().count }

    @Test("what was given up supersedes nothing, what is committed does, and marks stay")
    func ends() throws {
        try world.put([("a", "1"), ("b", "1")])
        try world.put([("a", "given up")], in: 7)
        try world.end(7, commits: false)
        try world.put([("b", "2")], in: 8)
        try world.end(8, commits: true)
        try world.put([("c", "1")], in: 7)
        try world.end(7, commits: true)
        try world.roll()
        #expect(try world.compact())
        #expect(try text() == ["0:a=1", "2:a=given up", "4:b=2", "6:c=1"])
        #expect(try marks() == 3)
        try world.reopen(.powerCut)
        #expect(try text() == ["0:a=1", "2:a=given up", "4:b=2", "6:c=1"])
        // A later pass does not take the marks for newer records of each other.
        try world.put([("d", "1")])
        try world.roll()
        _ = try world.compact()
        #expect(try marks() == 3)
    }

    @Test("nothing is judged from the first record of a transaction on whose end has not come, until it comes")
    func open() throws {
        try world.put([("a", "1"), ("a", "2")])
        try world.put([("a", "3")], in: 7)
        try world.put([("b", "1"), ("b", "2")])
        try world.roll()
        #expect(try world.compact())
        #expect(try text() == ["1:a=2", "2:a=3", "3:b=1", "4:b=2"])
        try world.end(7, commits: true)
        try world.roll()
        #expect(try world.compact())
        #expect(try text() == ["2:a=3", "4:b=2"])
    }

    @Test("a key that a later record has outside a transaction is not taken back by the transaction's end")
    func order() throws {
        try world.put([("a", "in")], in: 7)
        try world.put([("a", "out")])
        try world.end(7, commits: true)
        try world.roll()
        #expect(try world.compact())
        #expect(try text() == ["1:a=out"])
    }
}
