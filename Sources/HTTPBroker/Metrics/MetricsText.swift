import HTTPWire
import SluiceCore

/// Metrics as text.
///
/// Source: OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/), and Prometheus' text format
/// 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/) for who asks for nothing else: there a
/// counter's name has its `_total` in the comments as well.
struct MetricsText: ~Copyable {
    private let isOpenMetrics: Bool
    private var buffer = ByteBuffer()

    init(isOpenMetrics: Bool) { self.isOpenMetrics = isOpenMetrics }

    /// What the format is called.
    static func contentType(isOpenMetrics: Bool) -> String {
        isOpenMetrics
            ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8"
    }

    /// The families as text.
    static func text(_ families: [MetricFamily], isOpenMetrics: Bool) -> [UInt8] {
        var text = MetricsText(isOpenMetrics: isOpenMetrics)
        for family in families where !family.samples.isEmpty { text.append(family) }
        if isOpenMetrics { text.buffer.append(utf8: "# EOF\n") }
        return Array(copying: text.buffer.bytes)
    }

    private mutating func append(_ family: MetricFamily) {
        var (name, kind) = (family.name, family.kind.rawValue)
        if !isOpenMetrics {
            switch family.kind {
            case .counter: name += "_total"
            case .info:
                name += "_info"
                kind = "gauge"
            case .gauge, .histogram: break
            }
        }
        buffer.append(utf8: "# HELP \(name) \(family.help)\n# TYPE \(name) \(kind)\n")
        for sample in family.samples {
            buffer.append(utf8: family.name)
            buffer.append(utf8: sample.suffix)
            append(sample.labels)
            buffer.append(UInt8(ascii: " "))
            append(sample.value)
            buffer.append(UInt8(ascii: "\n"))
        }
    }

    private mutating func append(_ labels: [(name: String, value: String)]) {
        guard !labels.isEmpty else { return }
        for (index, label) in labels.enumerated() {
            buffer.append(utf8: index == 0 ? "{" : ",")
            buffer.append(utf8: label.name)
            buffer.append(utf8: "=\"")
            for byte in label.value.utf8 {
                switch byte {
                case UInt8(ascii: "\\"), UInt8(ascii: "\""):
                    buffer.append(UInt8(ascii: "\\"))
                    buffer.append(byte)
                case UInt8(ascii: "\n"): buffer.append(utf8: "\\n")
                case _: buffer.append(byte)
                }
            }
            buffer.append(UInt8(ascii: "\""))
        }
        buffer.append(UInt8(ascii: "}"))
    }

    private mutating func append(_ value: Double) {
        if let whole = Int64(exactly: value) {
            JSONText.append(whole, to: &buffer)
        } else if value.isInfinite {
            buffer.append(utf8: value > 0 ? "+Inf" : "-Inf")
        } else {
            buffer.append(utf8: "\(value)")
        }
    }
}
