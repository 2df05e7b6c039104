import AccessControl
import SluiceCore
import Speaking
import Testing

@Suite("What is known of addresses")
struct AddressBookTests {
    private static let second: Int64 = 1_000_000_000
    private let first = IPAddress(version4: 1)
    private let second = IPAddress(version4: 2)

    private func limits(_ body: (inout Limits) -> Void) -> Limits {
        var limits = Limits()
        body(&limits)
        return limits
    }

    @Test("connections are bounded for each listener, and for each address at it")
    func counts() {
        var book = AddressBook()
        let limits = limits {
            $0.connectionsMax = 3
            $0.addressConnectionsMax = 2
        }
        for _ in 0..<2 { #expect(book.admit(first, to: "a", limits, now: 0) == nil) }
        let refusal = book.admit(first, to: "a", limits, now: 0)
        #expect(refusal?.kind == .tooMany)
        #expect(refusal?.words == "'limits: connections_per_address' is 2, and as many of 0.0.0.1 are open")
        #expect(book.admit(second, to: "a", limits, now: 0) == nil)
        #expect(
            book.admit(second, to: "a", limits, now: 0)?.words
                == "'limits: connections' is 3, and as many of listener a are open")
        #expect(book.admit(first, to: "b", limits, now: 0) == nil, "another listener has its own")
        book.left(first, "a")
        #expect(book.admit(first, to: "a", limits, now: 0) == nil)
        for _ in 0..<2 { book.left(first, "a") }
        book.left(second, "a")
        book.left(first, "b")
        #expect(book.entryCount == 0)
    }

    @Test("addresses of one site of version 6 are one")
    func sites() throws {
        var book = AddressBook()
        let limits = limits { $0.addressConnectionsMax = 1 }
        let (one, two, other) = try (
            #require(IPAddress("2001:db8::1")), #require(IPAddress("2001:db8::2")),
            #require(IPAddress("2001:db8:0:1::1"))
        )
        #expect(book.admit(one, to: "a", limits, now: 0) == nil)
        #expect(book.admit(two, to: "a", limits, now: 0) != nil)
        #expect(book.admit(other, to: "a", limits, now: 0) == nil)
    }

    @Test("a rate bounds how fast an address connects, also when its connections have gone")
    func rates() {
        var book = AddressBook()
        let limits = limits { $0.connectRate = Rate(2) }
        for _ in 0..<2 {
            #expect(book.admit(first, to: "a", limits, now: 0) == nil)
            book.left(first, "a")
        }
        let refusal = book.admit(first, to: "a", limits, now: 0)
        #expect(refusal == ConnectionRefusal(.tooFast, "'limits: connect_rate' is 2/s, and 0.0.0.1 connects faster"))
        #expect(book.admit(second, to: "a", limits, now: 0) == nil)
        #expect(book.admit(first, to: "a", limits, now: Self.second) == nil)
    }

    @Test(
        "failures ban an address for a while; successes of others do not count for it, and exempt ones are not banned")
    func bans() throws {
        var book = AddressBook()
        book.settings = BanSettings(
            failureCount: 3, withinNanoseconds: 10 * Self.second, banNanoseconds: 60 * Self.second,
            exempt: [try #require(IPNetwork("127.0.0.0/8"))])
        let loopback = try #require(IPAddress("127.0.0.1"))
        for _ in 0..<2 { #expect(book.failed(first, now: 0) == nil) }
        #expect(book.failed(second, now: 0) == nil)
        for _ in 0..<50 { #expect(book.failed(loopback, now: 0) == nil) }
        #expect(book.failed(first, now: Self.second) == "3 failures within 10 s ('bans: failures')")
        let refusal = book.admit(first, to: "a", Limits(), now: 2 * Self.second)
        #expect(refusal?.kind == .banned)
        #expect(book.admit(second, to: "a", Limits(), now: 2 * Self.second) == nil)
        #expect(book.admit(loopback, to: "a", Limits(), now: 2 * Self.second) == nil)
        let ban = try #require(book.bans(now: 2 * Self.second).first)
        #expect(ban.network == IPNetwork(first) && ban.refusedCount == 1 && ban.nanosecondsLeft == 59 * Self.second)
        #expect(book.admit(first, to: "a", Limits(), now: 62 * Self.second) == nil)
        #expect(book.bans(now: 62 * Self.second).isEmpty)
        // Failures that are far apart are nobody's attack.
        for time in 0..<20 as Range<Int64> { #expect(book.failed(second, now: (100 + 6 * time) * Self.second) == nil) }
    }

    @Test("networks are banned by request, until they are let in again")
    func byRequest() throws {
        var book = AddressBook()
        let network = try #require(IPNetwork("10.0.0.0/8"))
        let (inside, outside) = try (#require(IPAddress("10.1.1.1")), #require(IPAddress("11.1.1.1")))
        #expect(book.ban(network, for: nil, now: 0) == true)
        #expect(book.ban(IPNetwork(outside), for: Self.second, now: 0) == true)
        #expect(book.admit(inside, to: "a", Limits(), now: .max - 1)?.kind == .banned)
        #expect(book.admit(outside, to: "a", Limits(), now: 0)?.kind == .banned)
        #expect(book.admit(outside, to: "a", Limits(), now: Self.second) == nil)
        #expect(book.unban(network) == true)
        #expect(book.unban(network) == false)
        #expect(book.admit(inside, to: "a", Limits(), now: 1) == nil)
        book.settings = BanSettings(failureCount: 1, withinNanoseconds: 1, banNanoseconds: .max / 2, exempt: [])
        let site = try #require(IPAddress("2001:db8::5"))
        #expect(book.failed(site, now: 0) != nil)
        #expect(book.bans(now: 0).map(\.network.description) == ["2001:db8::/64"])
        let whole = try #require(IPNetwork("2001:db8::/64"))
        #expect(book.unban(whole) == true)
        #expect(book.failed(site, now: 0) != nil)
        #expect(book.unban(IPNetwork(site)) == true, "an address stands for its site")
    }

    @Test("whoever comes from ever new addresses makes it forget, and never grow")
    func bounded() {
        var book = AddressBook()
        book.settings = BanSettings(
            failureCount: 2, withinNanoseconds: 3600 * Self.second, banNanoseconds: 3600 * Self.second, exempt: [])
        let limits = limits { $0.connectRate = Rate(1, per: 3600 * Self.second) }
        let kept = IPAddress(version4: 4_000_000_000)
        #expect(book.admit(kept, to: "a", limits, now: 0) == nil)
        for number in 0..<(3 * AddressBook.idleMax) {
            let address = IPAddress(version4: UInt32(number))
            if book.admit(address, to: "a", limits, now: 0) == nil { book.left(address, "a") }
            _ = book.failed(address, now: 0)
            if number.isMultiple(of: 2) { _ = book.failed(address, now: 0) }
        }
        #expect(book.entryCount <= 3 * (AddressBook.idleMax + 1) + 1)
        // Those with connections stay.
        let one = self.limits { $0.addressConnectionsMax = 1 }
        #expect(book.admit(kept, to: "a", one, now: 0)?.kind == .tooMany)
        for number in 0..<(2 * AddressBook.networkBansMax) {
            _ = book.ban(IPNetwork(IPAddress(version4: UInt32(number))), for: nil, now: 0)
        }
        #expect(book.ban(IPNetwork(IPAddress(version4: 77_777)), for: nil, now: 0) == false)
    }

    @Test("a user has its own limits, else the most that one of its roles has")
    func identities() {
        var table = IdentityLimitTable()
        #expect(table.isEmpty && table.limits(of: .user("ada"), granted: []) == nil)
        table.roles["device"] = identity { $0.publishRate = Rate(10) }
        table.roles["gateway"] = identity {
            $0.publishRate = Rate(1000)
            $0.subscriptionsMax = 5
        }
        table.roles["guest"] = identity { $0.packetBytesMax = 100 }
        table.set(IdentityLimits(), roles: ["device", "gateway"], of: "ada")
        table.set(identity { $0.subscriptionsMax = 7 }, roles: ["gateway"], of: "bob")
        table.anonymous = ["guest"]
        table.authenticated = ["device"]
        #expect(table.limits(of: .user("ada"), granted: [])?.publishRate == Rate(1000))
        #expect(table.limits(of: .user("ada"), granted: [])?.subscriptionsMax == 5)
        #expect(table.limits(of: .certificate("bob"), granted: [])?.subscriptionsMax == 7)
        #expect(table.limits(of: .user("eve"), granted: [])?.publishRate == Rate(10))
        #expect(table.limits(of: .user("eve"), granted: ["gateway", "unknown"])?.publishRate == Rate(1000))
        #expect(table.limits(of: .anonymous, granted: [])?.packetBytesMax == 100)
        #expect(table.limits(of: .node, granted: []) == nil && table.limits(of: .bridge("b"), granted: []) == nil)
    }

    private func identity(_ body: (inout IdentityLimits) -> Void) -> IdentityLimits {
        var limits = IdentityLimits()
        body(&limits)
        return limits
    }
}
