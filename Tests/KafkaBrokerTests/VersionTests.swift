import KafkaWire
import Testing

@testable import KafkaBroker

@Suite("ApiVersions")
struct VersionTests {
    @Test("Every version lists the same APIs, Produce from 0 on", arguments: Int16(0)...4)
    func lists(_ version: Int16) throws {
        let client = TestKafka().connect()
        let request = ApiVersionsRequest(clientSoftwareName: "kcat", clientSoftwareVersion: "1.7.1-rc.1")
        let response: ApiVersionsResponse = try client.ask(request, version)
        #expect(response.errorCode == .none)
        #expect(response.apiKeys == ServedVersions.listed)
        #expect(response.apiKeys.first { $0.apiKey == KafkaAPI.produce.rawValue }?.minVersion == 0)
        // Clients take metrics to be wanted, and transactions to be of the second kind, when these are there.
        #expect(!response.apiKeys.contains { [71, 72].contains($0.apiKey) })
        // A feature that may be absent is a fault to clients before 3.9, which ask in version 3.
        let names = ["share.version", "transaction.version"]
        #expect(response.supportedFeatures.map(\.name) == (version >= 4 ? names : []))
        #expect(response.finalizedFeatures.map(\.name) == (version >= 3 ? names : []))
    }

    @Test(
        "A version that is not known is answered in the first one's words, and the connection goes on",
        arguments: [
            Int16(5), 42, Int16.max, -1,
        ])
    func newer(_ version: Int16) throws {
        let client = TestKafka().connect()
        // Key 18, the version, number 9, then bytes that nobody can read.
        var frame: [UInt8] = [0, 0, 0, 20, 0, 18]
        frame += [UInt8(truncatingIfNeeded: version >> 8), UInt8(truncatingIfNeeded: version), 0, 0, 0, 9]
        frame += [UInt8](repeating: 0xEE, count: 12)
        client.send(bytes: frame)
        let answer = try #require(client.takeFrame())
        #expect(Array(answer[..<4]) == [0, 0, 0, 9])
        let response = try ApiVersionsResponse.decode(Array(answer[4...]).span, version: 0)
        #expect(response.errorCode == .unsupportedVersion)
        #expect(response.apiKeys == ServedVersions.listed)
        let next: ApiVersionsResponse = try client.ask(
            ApiVersionsRequest(clientSoftwareName: "a", clientSoftwareVersion: "1"), 3)
        #expect(next.errorCode == .none)
    }

    @Test("Software has a name of letters and digits", arguments: ["", "-a", "a-", "a b", "a\u{e9}", ".", "a/1"])
    func software(_ name: String) throws {
        let client = TestKafka().connect()
        for request in [
            ApiVersionsRequest(clientSoftwareName: name, clientSoftwareVersion: "1"),
            ApiVersionsRequest(clientSoftwareName: "a", clientSoftwareVersion: name),
        ] {
            let response: ApiVersionsResponse = try client.ask(request, 3)
            #expect(response.errorCode == .invalidRequest)
        }
        let good: ApiVersionsResponse = try client.ask(
            ApiVersionsRequest(clientSoftwareName: "a.b-C", clientSoftwareVersion: "0"), 4)
        #expect(good.errorCode == .none)
    }
}
