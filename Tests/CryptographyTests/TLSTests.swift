import Cryptography
import Foundation
import SluiceCore
import Testing

@Suite("TLS over bytes in memory")
struct TLSTests {
    private func error(_ material: TLSMaterial) -> TLSMaterialError? {
        do throws(TLSMaterialError) {
            _ = try TLSContext(material)
            return nil
        } catch { return error }
    }

    @Test("a certificate tells its subject and its end")
    func describes() throws {
        let files = try TestCertificates()
        try files.make("broker")
        let context = try TLSContext(
            TLSMaterial(certificateChain: files.bytes("broker.pem"), privateKey: files.bytes("broker.key")))
        #expect(context.subject == "O = plant, CN = broker")
        let left = Double(context.expirySeconds) - Date().timeIntervalSince1970
        #expect((86_400...2 * 86_400 + 60).contains(left))
    }

    @Test("material that does not fit is refused by the part that is wrong")
    func refusesMaterial() throws {
        let files = try TestCertificates()
        try files.make("one")
        try files.make("other")
        try files.openssl("ec -in one.key -aes128 -passout pass:secret -out encrypted.key")
        let good = TLSMaterial(certificateChain: try files.bytes("one.pem"), privateKey: try files.bytes("one.key"))
        #expect(error(good) == nil)
        var material = good
        material.privateKey = try files.bytes("other.key")
        #expect(error(material)?.part == .privateKey)
        #expect(error(material)?.reason == "is not the key of the certificate")
        material.privateKey = try files.bytes("encrypted.key")
        #expect(error(material)?.reason == "is encrypted with a passphrase, which nobody would be there to enter")
        material.privateKey = try files.bytes("one.pem")
        #expect(error(material)?.reason == "holds no private key (PEM, '-----BEGIN PRIVATE KEY-----')")
        material = good
        material.certificateChain = []
        #expect(error(material)?.part == .certificateChain)
        #expect(error(material)?.reason == "holds no certificate (PEM, '-----BEGIN CERTIFICATE-----')")
        material.certificateChain = good.certificateChain + good.certificateChain.dropLast(60)
        #expect(error(material)?.reason.hasPrefix("holds a damaged certificate: ") == true)
        material = good
        material.clientAuthorities = good.privateKey
        #expect(error(material)?.part == .clientAuthorities)
        material = good
        material.ciphers = "NOT-A-CIPHER"
        #expect(error(material)?.part == .ciphers)
        material.ciphers = "ECDHE+AESGCM"
        material.clientAuthorities = good.certificateChain
        #expect(error(material) == nil)
    }

    @Test(
        "what is no handshake fails with what it was, and nothing is given out",
        arguments: [
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), "plain HTTP came instead of TLS"),
            ([0x10, 0x0C, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0], "what came is not TLS"),
        ])
    func fails(bytes: [UInt8], reason: String) throws {
        let files = try TestCertificates()
        try files.make("broker")
        let context = try TLSContext(
            TLSMaterial(certificateChain: files.bytes("broker.pem"), privateKey: files.bytes("broker.key")))
        let connection = TLSConnection(server: context)
        var plain = ByteBuffer()
        var reply = ByteBuffer()
        #expect(connection.received(bytes.span.extracting(first: 3), plain: &plain, reply: &reply) == .handshaking)
        let state = connection.received(bytes.span.extracting(droppingFirst: 3), plain: &plain, reply: &reply)
        guard case .failed(let failure) = state else {
            Issue.record("\(state)")
            return
        }
        #expect(failure.description == reason)
        #expect(plain.count == 0)
        connection.send(bytes.span, wire: &reply)
        connection.close(wire: &reply)
        #expect(connection.received(bytes.span, plain: &plain, reply: &reply) == state)
    }
}
