import SluiceCore
import SluiceTesting
import Testing

@Suite("Addresses and networks")
struct IPAddressTests {
    @Test(
        "addresses are read in their notations, and written in one",
        arguments: [
            ("10.1.2.3", "10.1.2.3"), ("::1", "::1"), ("::", "::"), ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("::ffff:10.1.2.3", "10.1.2.3"), ("::ffff:a01:203", "10.1.2.3"), ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("fe80::", "fe80::"), ("1::8", "1::8"),
        ])
    func reads(_ text: String, _ canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(IPAddress(socket: text.contains(":") ? "[\(text)]:80" : "\(text):80") == address)
    }

    @Test(
        "what is none is none",
        arguments: [
            "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.-4", "1.2.3.+4", ":", ":::", "1:2", "1::2::3",
            "12345::", "g::", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1.2.3", "::1.2.3.4:5", "1:2:3:4:5:6:7:",
            "+1::",
            "test", "::ffff:1.2.3.4.5", "1.2.3.4\u{0}", "١.2.3.4",
        ])
    func refuses(_ text: String) { #expect(IPAddress(text) == nil) }

    @Test("random bytes are read or refused, and what is read is written and read again")
    func random() {
        var random = SeededGenerator(seed: 7)
        let letters = Array("0123456789abcdef:::...%/x")
        for _ in 0..<100_000 {
            let text = String(
                (0..<Int.random(in: 0...20, using: &random)).map { _ in letters.randomElement(using: &random) ?? "0" })
            guard let address = IPAddress(text) else { continue }
            #expect(IPAddress(address.description) == address, "\(text)")
        }
    }

    @Test("a network has the addresses that begin like it")
    func networks() throws {
        let private10 = try #require(IPNetwork("10.0.0.0/8"))
        #expect(try private10.contains(#require(IPAddress("10.255.0.1"))))
        #expect(try private10.contains(#require(IPAddress("::ffff:10.0.0.1"))))
        #expect(try !private10.contains(#require(IPAddress("11.0.0.1"))))
        #expect(try !private10.contains(#require(IPAddress("a00::1"))))
        let site = try #require(IPNetwork("2001:db8:1:2::/64"))
        #expect(try site.contains(#require(IPAddress("2001:db8:1:2:ffff::1"))))
        #expect(try !site.contains(#require(IPAddress("2001:db8:1:3::1"))))
        #expect(try IPNetwork("0.0.0.0/0").map { try $0.contains(#require(IPAddress("255.1.1.1"))) } == true)
        #expect(try IPNetwork("::/0").map { try $0.contains(#require(IPAddress("255.1.1.1"))) } == true)
        #expect(private10.description == "10.0.0.0/8" && IPNetwork("::1")?.description == "::1")
        #expect(IPNetwork("1.2.3.4")?.description == "1.2.3.4" && site.description == "2001:db8:1:2::/64")
        for text in ["10.0.0.1/8", "10.0.0.0/33", "::1/129", "::1/64", "10.0.0.0/", "/8", "10.0.0.0/8/8", "1.2.3.4/-1"]
        {
            #expect(IPNetwork(text) == nil, "\(text)")
        }
        #expect(IPAddress("2001:db8:1:2:3::4").map { IPNetwork(site: $0.site).description } == "2001:db8:1:2::/64")
        #expect(IPAddress("1.2.3.4").map { IPNetwork(site: $0.site).description } == "1.2.3.4")
    }
}
