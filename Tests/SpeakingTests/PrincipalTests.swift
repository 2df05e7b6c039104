import Speaking
import Testing

@Suite("Principals")
struct PrincipalTests {
    @Test("names are compared byte for byte: two ways to write one letter are two users")
    func bytes() {
        let (one, two) = (Principal.user("caf\u{E9}"), Principal.user("cafe\u{301}"))
        #expect("caf\u{E9}" == "cafe\u{301}", "to Swift they are one text")
        #expect(one != two && one == .user("caf\u{E9}"))
        #expect(Set([one, two, .certificate("caf\u{E9}"), one]).count == 3)
    }
}
