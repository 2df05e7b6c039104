import AccessControl
import Administration
import DeviceProfiles
import HTTPWire
import LogInterface
import SluiceBroker
import SluiceCore
import TopicRouting

/// `GET /metrics`: made on this endpoint's loop, of what other loops hand over twice a second; none of them is asked.
extension HTTPShard {
    func tellMetrics(_ exchange: Exchange) {
        if let fault = faultOfReadingFigures(exchange) { return exchange.fail(fault) }
        let isOpenMetrics = exchange.head.field("accept")?.contains("application/openmetrics-text") == true
        exchange.respond(
            .ok, MetricsText.contentType(isOpenMetrics: isOpenMetrics),
            MetricsText.text(families, isOpenMetrics: isOpenMetrics))
    }

    /// Why who asks may not read what the node says of itself, here as below `$SYS/broker`; nil when it may.
    func faultOfReadingFigures(_ exchange: Exchange) -> HTTPFault? {
        guard let rights = exchange.session?.rights else { return nil }
        let topic = Array("$SYS/broker/messages/received".utf8)
        let verdict = rights.mayRead(topic.span)
        guard !verdict.isAllowed else { return nil }
        return HTTPFault(.forbidden, "who asks may not read $SYS/broker: \(rights.description(of: verdict.rule))")
    }

    private var families: [MetricFamily] {
        brokerFamilies + [memoryFamily] + streamFamilies + groupFamilies + bridgeFamilies + deviceFamilies
            + settings.node.figures
    }

    // MARK: The broker

    private var brokerFamilies: [MetricFamily] {
        let sum = counterSum
        let parked = peers.withDirectory { $0.parkedCount }
        let retained = peers.withRetained { $0.count }
        let up = max(0, wallClock.rawValue - startedAt.rawValue)
        return [
            MetricFamily(
                "sluice_build", .info, "What runs.",
                [.init(1, suffix: "_info", labels: [("version", settings.version)])]),
            MetricFamily(
                "sluice_uptime_seconds", .gauge, "How long the node has run.", [.init(Double(up) / 1000)]),
            .gauge("sluice_clients", "Clients that are connected over MQTT or HTTP.", sum.clientCount),
            .gauge("sluice_sessions_waiting", "Sessions whose clients are not connected.", parked),
            .gauge("sluice_subscriptions", "Subscriptions of connected clients.", sum.subscriptionCount),
            .gauge("sluice_retained_messages", "Retained messages.", retained),
            .gauge("sluice_tails", "Server-sent event streams that are open.", tails.all.count),
            .gauge("sluice_http_connections", "HTTP connections.", connectionCount),
            .counter("sluice_connections_accepted", "Connections that were taken in.", sum.connectionsAccepted),
            MetricFamily(
                "sluice_packets", .counter, "MQTT packets from and to clients.",
                [
                    .init(Double(sum.packetsReceived), suffix: "_total", labels: [("direction", "in")]),
                    .init(Double(sum.packetsSent), suffix: "_total", labels: [("direction", "out")]),
                ]),
            MetricFamily(
                "sluice_messages", .counter, "Messages from publishers and to subscribers.",
                samples(of: sum.received, direction: "in") + samples(of: sum.delivered, direction: "out")),
            MetricFamily(
                "sluice_payload_bytes", .counter, "Bytes of payload from publishers and to subscribers.",
                [
                    .init(Double(sum.receivedBytes), suffix: "_total", labels: [("direction", "in")]),
                    .init(Double(sum.deliveredBytes), suffix: "_total", labels: [("direction", "out")]),
                ]),
            MetricFamily(
                "sluice_network_bytes", .counter, "Bytes from and to sockets.",
                [
                    .init(Double(sum.bytesReceived), suffix: "_total", labels: [("direction", "in")]),
                    .init(Double(sum.bytesSent), suffix: "_total", labels: [("direction", "out")]),
                ]),
            .counter("sluice_messages_stored", "Messages handed to the log.", sum.messagesStored),
            .counter(
                "sluice_messages_duplicate", "QoS 2 messages that came again and were not stored again.",
                sum.duplicatesSuppressed),
            family(
                "sluice_messages_refused", "Messages that were not taken, by MQTT's reason code.", sum.refusedMessages),
            family(
                "sluice_connections_ended",
                "Connections of MQTT clients that were refused or ended by the broker, by MQTT's reason code.",
                sum.endedConnections),
            .counter("sluice_access_denied", "What clients asked for and had no right to.", sum.accessDenied),
            .counter(
                "sluice_deliveries_dropped", "QoS 0 deliveries dropped because a client read too slowly.",
                sum.deliveriesDropped),
            .counter(
                "sluice_deliveries_skipped", "Deliveries not made because they were too large or had expired.",
                sum.deliveriesSkipped),
            .histogram(
                "sluice_publish_seconds",
                "From a QoS 1 or 2 message's coming in to its acknowledgement, which is when it is durable.",
                sum.publishTime),
            .histogram(
                "sluice_delivery_seconds",
                "From a message's being durable to its delivery's being handed to a live subscriber's socket.",
                sum.deliveryTime),
            .counter("sluice_wills_published", "Wills that were published.", sum.willsPublished),
            .counter("sluice_sessions_expired", "Sessions whose time was over.", sum.sessionsExpired),
        ]
    }

    /// A reason that nothing was refused for has no sample, but there is one of its family: without it an alert on its
    /// growth has nothing to compare with.
    private func family(_ name: String, _ help: String, _ counts: RefusalCounts) -> MetricFamily {
        var samples = counts.all.map { reason, count in
            MetricFamily.Sample(Double(count), suffix: "_total", labels: [("reason", reason.metricLabel)])
        }
        if samples.isEmpty { samples = [.init(0, suffix: "_total", labels: [("reason", "not_authorized")])] }
        return MetricFamily(name, .counter, help, samples)
    }

    private func samples(of counts: QoSCounts, direction: String) -> [MetricFamily.Sample] {
        [("0", counts.atMostOnce), ("1", counts.atLeastOnce), ("2", counts.exactlyOnce)].map { qos, count in
            .init(Double(count), suffix: "_total", labels: [("direction", direction), ("qos", qos)])
        }
    }

    /// What all loops have counted.
    var counterSum: BrokerCounters { peers.withCounters { BrokerCounters.sum(of: $0) } }

    /// What memory is for, as far as it is counted; `other` is what else the process has that is no file's: code's own
    /// tables, connections, buffers of threads, what the allocator keeps.
    private var memoryFamily: MetricFamily {
        var purposes: [(name: String, bytes: Int)] = [
            ("log_tail", settings.node.logMemoryBytes), ("clients", peers.memoryUse),
            ("retained", peers.withRetained { $0.memoryByteCount }),
            ("devices", peers.withDevices { $0.table.memoryByteCount }),
            ("sessions", peers.withDirectory { $0.parkedByteCount }), ("topics", Int(clamping: counterSum.topicBytes)),
        ]
        if let heap = settings.node.heapBytes {
            purposes.append(("other", max(0, Int(clamping: heap) - purposes.reduce(0) { $0 + $1.bytes })))
        }
        return MetricFamily(
            "sluice_memory_bytes", .gauge, "Memory by what it is for.",
            purposes.map { .init(Double($0.bytes), labels: [("purpose", $0.name)]) })
    }

    // MARK: Streams

    private var streamFamilies: [MetricFamily] {
        var bytes = MetricFamily("sluice_stream_bytes", .gauge, "Bytes of a stream's records at rest.", [])
        var records = MetricFamily("sluice_stream_records", .gauge, "Durable records that a stream keeps.", [])
        var appended = MetricFamily("sluice_stream_appended", .counter, "Records appended to a stream.", [])
        var ages = MetricFamily(
            "sluice_stream_retention_seconds", .gauge, "How long a stream keeps records, where that is bounded.", [])
        var sizes = MetricFamily(
            "sluice_stream_retention_bytes", .gauge, "Bytes that each partition keeps, where that is bounded.", [])
        for stream in streams.readable {
            let labels = [(name: "stream", value: stream.settings.name)]
            var (byteCount, recordCount, end) = (Int64(0), Int64(0), Int64(0))
            for partition in stream.partitions {
                let bounds = log.bounds(partition)
                byteCount += log.figures(partition).byteCount
                recordCount += bounds.highWatermark.rawValue - bounds.start.rawValue
                end += bounds.end.rawValue
            }
            bytes.samples.append(.init(Double(byteCount), labels: labels))
            records.samples.append(.init(Double(recordCount), labels: labels))
            appended.samples.append(.init(Double(end), suffix: "_total", labels: labels))
            let policy = stream.settings.policy
            guard policy.cleanup.deletes else { continue }
            if let age = policy.retentionMilliseconds {
                ages.samples.append(.init(Double(age) / 1000, labels: labels))
            }
            if let size = policy.retentionBytesMax { sizes.samples.append(.init(Double(size), labels: labels)) }
        }
        return [bytes, records, appended, ages, sizes]
    }

    // MARK: Groups, bridges, devices

    private var groupFamilies: [MetricFamily] {
        var lag = MetricFamily("sluice_group_lag_records", .gauge, "Records that a group has not done with.", [])
        var bytes = MetricFamily("sluice_group_lag_bytes", .gauge, "Bytes that these take, about.", [])
        var age = MetricFamily(
            "sluice_group_lag_seconds", .gauge, "The age of the oldest record that a group has not done with.", [])
        var members = MetricFamily("sluice_group_members", .gauge, "Members of a group.", [])
        for group in broker.groupReports() {
            members.samples.append(.init(Double(group.members.count), labels: [("group", group.name)]))
            for (stream, positions) in Dictionary(grouping: group.offsets, by: \.stream).sorted(by: { $0.key < $1.key })
            {
                let labels = [(name: "group", value: group.name), (name: "stream", value: stream)]
                lag.samples.append(.init(Double(positions.reduce(0) { $0 + $1.lag }), labels: labels))
                bytes.samples.append(.init(Double(positions.reduce(0) { $0 + lagBytes($1) }), labels: labels))
                // It is not known until it was looked up.
                if let oldest = positions.compactMap({ self.age(of: group.name, $0) }).max() {
                    age.samples.append(.init(Double(oldest) / 1000, labels: labels))
                }
            }
        }
        return [lag, bytes, age, members]
    }

    private var bridgeFamilies: [MetricFamily] {
        let reports = broker.bridgeReports()
        func family(
            _ name: String, _ kind: MetricFamily.Kind, _ help: String, _ value: (Int) -> Double
        ) -> MetricFamily {
            MetricFamily(
                name, kind, help,
                reports.indices.map {
                    .init(
                        value($0), suffix: kind == .counter ? "_total" : "", labels: [("bridge", reports[$0].name)])
                })
        }
        return [
            family("sluice_bridge_connected", .gauge, "Whether a bridge is connected.") {
                ["live", "catching up"].contains(reports[$0].state) ? 1 : 0
            },
            family("sluice_bridge_lag_records", .gauge, "Records that a bridge has yet to look at.") {
                Double(reports[$0].lagRecords)
            },
            family("sluice_bridge_lag_bytes", .gauge, "Bytes that these take, about.") { Double(reports[$0].lagBytes) },
            family("sluice_bridge_lag_seconds", .gauge, "The age of the oldest record that is not acknowledged.") {
                Double(reports[$0].lagMilliseconds) / 1000
            },
            family("sluice_bridge_forwarded", .counter, "Messages that the upstream has acknowledged.") {
                Double(reports[$0].forwarded)
            },
            family("sluice_bridge_received", .counter, "Messages that came from the upstream.") {
                Double(reports[$0].received)
            },
            family("sluice_bridge_dropped", .counter, "Records that retention took before they were looked at.") {
                Double(reports[$0].dropped)
            },
            family("sluice_bridge_refused", .counter, "Messages that one side or the other did not take.") {
                Double(reports[$0].refused)
            },
        ]
    }

    private var deviceFamilies: [MetricFamily] {
        let (known, silent, ledger) = peers.withDevices { ($0.table.count, $0.table.silentCount, $0.ledger) }
        func family(_ name: String, _ help: String, _ value: (Int) -> Int64) -> MetricFamily {
            MetricFamily(
                name, .counter, help,
                ledger.indices.map {
                    .init(Double(value($0)), suffix: "_total", labels: [("profile", ledger[$0].profile)])
                })
        }
        return [
            .gauge("sluice_devices", "Devices that are known.", known),
            .gauge("sluice_devices_silent", "Devices that are silent for longer than their profiles allow.", silent),
            family("sluice_readings_published", "Messages of a profile that came.") { ledger[$0].published },
            family("sluice_readings_stored", "Messages of a profile that are in the log.") { ledger[$0].stored },
            family("sluice_readings_dead_lettered", "Messages of a profile that were not as it says.") {
                ledger[$0].deadLettered
            },
            family("sluice_readings_refused", "Messages of a profile that were refused.") { ledger[$0].refused },
        ]
    }
}
