import AccessControl
import Speaking
import Testing

@Suite("Files of pre-shared keys, and names of certificates")
struct SharedKeyFileTests {
    private func read(_ text: String) throws -> SharedKeyFile {
        try SharedKeyFile.parse(Array(text.utf8), file: "psk")
    }

    @Test("keys are hexadecimal, comments and blanks are passed over")
    func keys() throws {
        let file = try read("# devices\r\ndev1:00ff\r\n dev 2 : ABC \n\n")
        #expect(file.key(of: Array("dev1".utf8)) == [0, 0xFF])
        #expect(file.key(of: Array("dev 2".utf8)) == [0x0A, 0xBC])
        #expect(file.key(of: Array("dev".utf8)) == nil)
        #expect(file.identities.count == 2 && "\(file)" == "2 keys")
    }

    @Test(
        "a bad line is named without its key",
        arguments: [
            ("dev1", "psk:1: expected IDENTITY:KEY, found no ':'"),
            ("dev1:", "psk:1: expected IDENTITY:KEY, found nothing behind the ':'"),
            (":00", "psk:1: expected IDENTITY:KEY, found nothing before the ':'"),
            ("dev1:c0ffeg", "psk:1: expected IDENTITY:KEY with a key of up to 256 bytes in hexadecimal"),
            ("dev1:00:00", "psk:1: expected IDENTITY:KEY with a key of up to 256 bytes in hexadecimal"),
            ("a:00\na:01", "psk:2: the identity 'a' has a key already"),
        ])
    func faults(text: String, expected: String) {
        #expect {
            _ = try read(text)
        } throws: { "\($0)" == expected }
        #expect(throws: SecurityFileError.self) { try read("a:" + String(repeating: "00", count: 257)) }
        #expect(throws: SecurityFileError.self) { try read(String(repeating: "a", count: 257) + ":00") }
    }

    @Test("a user name is the common name, the subject, or the first name of a kind, and never nothing")
    func names() {
        let certificate = PeerCertificate(
            subject: "O = plant, CN = dev1", distinguishedName: "CN=dev1,O=plant", commonName: "dev1",
            alternativeNames: [.email("a@plant"), .dns("one.plant"), .dns("two.plant"), .uri("spiffe://plant/dev1")])
        #expect(
            CertificateName.allCases.map { $0.name(of: certificate) } == [
                "dev1", "CN=dev1,O=plant", "one.plant", "a@plant", "spiffe://plant/dev1",
            ])
        let bare = PeerCertificate(subject: "O = plant", commonName: nil, alternativeNames: [.address("10.0.0.1")])
        #expect(CertificateName.allCases.allSatisfy { $0.name(of: bare) == nil })
    }
}
