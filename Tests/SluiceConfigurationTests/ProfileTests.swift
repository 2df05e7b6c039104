import DeviceProfiles
import Foundation
import PayloadFormats
import SluiceConfiguration
import Testing

@Suite("Device profiles in files")
struct ProfileTests {
    /// Reads profiles from a directory of their own, by file name.
    private func read(_ files: [String: String], more: String = "") throws -> (Configuration?, [String]) {
        let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for (name, text) in files {
            try Data(text.utf8).write(to: directory.appending(path: name))
        }
        do throws(ConfigurationErrors) {
            return (try SluiceConfigurationTests.read("devices: \(directory.path)\n" + more), [])
        } catch {
            return (nil, error.errors.map { $0.description.replacing(directory.path + "/", with: "") })
        }
    }

    @Test("the shipped profiles say what their comments say")
    func shipped() throws {
        let configuration = try SluiceConfigurationTests.read("devices: devices\n")
        #expect(
            configuration.profiles.map(\.name) == [
                "gps-tracker", "shelly-gen2", "sparkplug-edge-node", "tasmota-power-meter", "temperature",
                "vibration-burst", "zigbee2mqtt",
            ])
        let temperature = try #require(configuration.profiles.first { $0.name == "temperature" })
        #expect(temperature.interval == .seconds(10) && temperature.silenceMilliseconds == 30_000)
        #expect(temperature.messages[0].schema.fields[0].range == -40...125)
        #expect(temperature.messages[0].schema.sequenceField == 3)
        for profile in configuration.profiles where profile.badPayload == .deadLetter {
            #expect(configuration.streams.contains { $0.name == "\(profile.stream).dlq" })
        }
    }

    @Test("what is left out has its default")
    func defaults() throws {
        let (configuration, errors) = try read(["meter.yaml": "stream: meters\ntopic: meters/{device}\n"])
        let profile = try #require(configuration?.profiles.first, "\(errors)")
        #expect(profile.name == "meter" && profile.key == "{device}" && profile.badPayload == .deadLetter)
        #expect(profile.interval == nil && profile.skewMax == nil && profile.messages[0].schema.format == .raw)
        #expect(configuration?.streams.map(\.name) == ["meters", "meters.dlq", "mqtt"])
    }

    @Test(
        "each fault has its file, its place and what was expected",
        arguments: [
            ("topik: a/{device}", "p.yaml:2:1: 'topik' is not a setting; did you mean 'topic'?"),
            ("topic: a/{device}\nformat: jsn", "p.yaml:3:9: 'format': expected one of json"),
            ("topic: a/{d}", "the key uses '{device}', which the pattern does not capture"),
            ("topic: a/{device}\nformat: json\nfields: { t: { type: nunber } }", "did you mean 'number'?"),
            (
                "topic: a/{device}\nformat: json\nfields: { t: { type: number, range: [5] } }",
                "'range': expected the least"
            ),
            ("topic: a/{device}\nformat: number", "a number is one field, here are 0"),
            ("topic: a/{device}\nsilent_after: 3", "'interval' is missing"),
            ("topic: a/{device}\nmax_skew: 1d", "no field has 'role: device-time'"),
            ("topics:\n  - topic: a/{device}\n  - topic: \"{device}/b\"", "have topics in common"),
            (
                "topic: a/{device}\nformat: json\nfields: { t: { type: number, signal: { sine: { mean: 1 } } } }",
                "'amplitude' is missing"
            ),
        ])
    func faults(_ text: String, _ expected: String) throws {
        let (_, errors) = try read(["p.yaml": "stream: s\n" + text + "\n"])
        #expect(errors.contains { $0.contains(expected) && $0.hasPrefix("p.yaml:") }, "\(errors)")
    }

    @Test("topics that two profiles share are refused, with both places")
    func overlap() throws {
        let (_, errors) = try read([
            "a.yaml": "stream: s\ntopic: x/{device}/t\n", "b.yaml": "stream: s\nkey: \"{topic}\"\ntopic: x/#\n",
        ])
        #expect(errors.count == 1)
        #expect(errors.first?.contains("b.yaml:3:8: 'x/#' and 'x/{device}/t' (a.yaml:2)") ?? false, "\(errors)")
    }

    @Test("a directory that is not there is said")
    func missing() {
        #expect(
            complaints("devices: /nowhere/at/all\n") == [
                "c.yaml:1:10: 'devices': the directory '/nowhere/at/all' cannot be read: No such file or directory"
            ])
    }
}
