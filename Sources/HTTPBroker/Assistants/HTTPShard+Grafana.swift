import AccessControl
import Administration
import HTTPWire
import LogInterface
import SluiceBroker
import SluiceCore

/// What Grafana's JSON data source asks: streams as metrics, and numbers of their records over time.
///
/// Source: https://github.com/simPod/GrafanaJsonDatasource (`/metrics`, `/query`).
extension HTTPShard {
    /// Records that one target may look at.
    private static let recordCountMax = 20_000

    func listGrafanaMetrics(_ exchange: Exchange) {
        // Names of streams are for who may read them.
        let names = streams.readable.map(\.settings.name).filter { name in
            let bytes = Array(name.utf8)
            return exchange.session?.rights?.mayReadStream(bytes.span).isAllowed ?? true
        }
        let parameters = [("key", "Key"), ("filter", "Topic filter"), ("field", "Field")].map { name, label in
            JSON.members([
                "name": .string(name), "label": .string(label), "type": .string("input"), "placeholder": .string(label),
            ])
        }
        exchange.respond(
            .ok,
            .array(
                names.map {
                    .members(["label": .string($0), "value": .string($0), "payloads": .array(parameters)])
                }))
    }

    func queryForGrafana(_ exchange: Exchange) {
        do throws(HTTPFault) {
            guard let document = JSONReader.read(exchange.body), let targets = document["targets"]?.elements,
                let from = document["range"]?["from"]?.text, let to = document["range"]?["to"]?.text
            else {
                throw HTTPFault(
                    .badRequest, "expected {\"range\": {\"from\", \"to\"}, \"targets\": [{\"target\", \"payload\"}]}")
            }
            guard targets.count <= 32 else { throw HTTPFault(.badRequest, "a query has at most 32 targets") }
            let most = Int(document["maxDataPoints"]?.integer ?? 1000)
            let query = GrafanaQuery(
                exchange, targets, from: try RequestPosition(from, of: "range.from", now: wallClock),
                to: try RequestPosition(to, of: "range.to", now: wallClock), pointCountMax: max(2, most))
            try next(of: query)
        } catch {
            exchange.fail(error)
        }
    }

    /// Reads for the next target, or answers.
    private func next(of query: GrafanaQuery) throws(HTTPFault) {
        guard let target = query.targets.popFirst() else {
            return query.exchange.respond(.ok, .array(query.series))
        }
        let payload = target["payload"] ?? .object([])
        let stream = try readableStream(named: target["target"]?.text ?? "")
        let filter = try recordFilter(
            query.exchange, stream, filter: payload["filter"]?.text,
            key: payload["key"]?.text.flatMap { $0.isEmpty ? nil : $0 })
        let read = try read(
            query.exchange, stream, filter, .json, limit: Self.recordCountMax, from: query.from, to: query.to)
        read.completion = { [unowned self] read in
            query.take(read.takeDocuments(), stream.settings.name, payload["field"]?.text ?? "")
            do throws(HTTPFault) { try next(of: query) } catch { query.exchange.fail(error) }
        }
        begin(read, query.from, query.to)
    }
}

/// One query of Grafana on its way.
///
/// Isolation: its endpoint's.
private final class GrafanaQuery {
    let exchange: Exchange
    var targets: ArraySlice<JSON>
    let from: RequestPosition
    let to: RequestPosition
    private let pointCountMax: Int
    private(set) var series: [JSON] = []

    init(_ exchange: Exchange, _ targets: [JSON], from: RequestPosition, to: RequestPosition, pointCountMax: Int) {
        self.exchange = exchange
        self.targets = targets[...]
        self.from = from
        self.to = to
        self.pointCountMax = pointCountMax
    }

    /// The numbers of records: of one field, or of all that have some.
    func take(_ records: [JSON], _ stream: String, _ field: String) {
        var points: [String: [(time: Int64, value: Double)]] = [:]
        for record in records {
            guard let text = record["payload"]?.text, let time = record["timestamp"]?.integer,
                let payload = JSONReader.read(Array(text.utf8))
            else { continue }
            Self.forEachNumber(in: payload, "") { name, value in
                guard field.isEmpty || name == field else { return }
                points[name.isEmpty ? record["topic"]?.text ?? stream : name, default: []].append((time / 1000, value))
            }
        }
        for (name, values) in points.sorted(by: { $0.key < $1.key }) {
            let sorted = values.sorted { $0.time < $1.time }
            series.append(
                .members(["target": .string(name), "datapoints": .array(thinned(sorted).map(Self.point))]))
        }
    }

    private static func point(_ point: (time: Int64, value: Double)) -> JSON {
        .array([.number(point.value), .integer(point.time)])
    }

    /// As many points as are wanted: of each run of neighbours the least and the greatest.
    private func thinned(_ points: [(time: Int64, value: Double)]) -> [(time: Int64, value: Double)] {
        guard points.count > pointCountMax else { return points }
        let run = (points.count + pointCountMax / 2 - 1) / max(1, pointCountMax / 2)
        var kept: [(time: Int64, value: Double)] = []
        for start in stride(from: 0, to: points.count, by: run) {
            let part = points[start..<min(start + run, points.count)]
            guard let least = part.min(by: { $0.value < $1.value }), let most = part.max(by: { $0.value < $1.value })
            else { continue }
            kept += least.time <= most.time ? [least, most] : [most, least]
        }
        return kept
    }

    private static func forEachNumber(in value: JSON, _ name: String, _ body: (String, Double) -> Void) {
        switch value {
        case .integer(let number): body(name, Double(number))
        case .number(let number): body(name, number)
        case .object(let members):
            for member in members {
                forEachNumber(in: member.value, name.isEmpty ? member.name : "\(name).\(member.name)", body)
            }
        case .null, .bool, .string, .array: break
        }
    }
}
