import PayloadFormats
import Testing

@Suite("What devices send")
struct DeviceTests {
    @Test("A sensor on zigbee2mqtt")
    func zigbee() throws {
        let payloads = try Payloads(
            .json,
            [
                .at("temperature", .number, range: -40...85, isRequired: true),
                .at("humidity", .number, range: 0...100), .at("battery", .integer, range: 0...100),
                .at("linkquality", .integer, range: 0...255), .at("last_seen", .time(.rfc3339), role: .deviceTime),
                .at("update.state", .text, oneOf: .texts(["available", "idle", "updating"])),
            ])
        #expect(
            payloads.values(
                #"{"battery":97,"humidity":47.31,"last_seen":"2026-01-01T01:00:00+01:00","linkquality":112,"#
                    + #""power_outage_count":3,"temperature":21.53,"update":{"installed_version":-1,"#
                    + #""latest_version":-1,"state":"idle"},"update_available":null,"voltage":2995}"#)
                == ["21.53", "47.31", "97", "112", "1767225600000000000ns", "idle"])
        #expect(
            payloads.verdict(#"{"battery":null,"humidity":101.2,"temperature":21.5}"#) == "out-of-range humidity @27")
    }

    @Test("A power meter with Tasmota: SENSOR and STATE")
    func tasmota() throws {
        let sensor = try Payloads(
            .json,
            [
                .at("Time", .time(.datetimeUTC), role: .deviceTime), .at("ENERGY.Power", .number, isRequired: true),
                .at("ENERGY.Total", .number), .at("ENERGY.TotalStartTime", .time(.datetimeUTC)),
            ])
        #expect(
            sensor.values(
                #"{"Time":"2026-01-01T00:00:10","ENERGY":{"TotalStartTime":"2025-12-31T00:00:00","Total":12.345,"#
                    + #""Yesterday":1.2,"Today":0.3,"Period":5,"Power":60,"ApparentPower":81,"ReactivePower":54,"#
                    + #""Factor":0.74,"Voltage":230,"Current":0.352}}"#)
                == ["1767225610000000000ns", "60.0", "12.345", "1767139200000000000ns"])
        #expect(sensor.verdict(#"{"Time":"2026-01-01T00:00:10","ENERGY":{}}"#) == "missing-field ENERGY.Power @39")
        let state = try Payloads(
            .json,
            [
                .at("POWER", .text, oneOf: .texts(["ON", "OFF"]), isRequired: true), .at("Wifi.RSSI", .integer),
                .at("UptimeSec", .integer),
            ])
        #expect(
            state.values(
                #"{"Time":"2026-01-01T00:00:10","Uptime":"0T01:30:00","UptimeSec":5400,"Heap":25,"POWER":"ON","#
                    + #""Wifi":{"AP":1,"SSId":"plant","RSSI":74,"Signal":-63}}"#) == ["ON", "74", "5400"])
    }

    @Test("A switch of Shelly's second generation")
    func shelly() throws {
        let payloads = try Payloads(
            .json,
            [
                .at("output", .boolean, isRequired: true), .at("apower", .number), .at("aenergy.total", .number),
                .at("aenergy.minute_ts", .time(.seconds), role: .deviceTime), .at("aenergy.by_minute.0", .number),
                .at("temperature.tC", .number),
            ])
        #expect(
            payloads.values(
                #"{"id":0, "source":"MQTT", "output":true, "apower":8.9, "voltage":237.5, "#
                    + #""aenergy":{"total":6.532,"by_minute":[45.199,47.141,88.397],"minute_ts":1767225600},"#
                    + #""temperature":{"tC":23.5, "tF":74.4}}"#)
                == ["true", "8.9", "6.532", "1767225600000000000ns", "45.199", "23.5"])
    }
}
