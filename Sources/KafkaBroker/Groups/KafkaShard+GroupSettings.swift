import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// Settings of groups, as Kafka's tools see and change them.
extension KafkaShard {
    /// What a change does to a setting: a value to set, or nil to take it back.
    typealias GroupChange = (name: String, value: String?)

    /// All settings of a group.
    func describeSettings(
        of group: String, _ request: DescribeConfigsRequest, _ call: KafkaCall, isWanted: (String) -> Bool
    ) -> [DescribeConfigsResponse.DescribeConfigsResourceResult] {
        typealias Synonym = DescribeConfigsResponse.DescribeConfigsSynonym
        let settings = peers.withOffsets { $0.settings[group] }
        return GroupSettings.Name.allCases.filter { isWanted($0.rawValue) }.map { name in
            let given = settings.values[name.rawValue]
            var result = DescribeConfigsResponse.DescribeConfigsResourceResult(
                name: name.rawValue, value: settings[name], readOnly: false, isSensitive: false)
            result.isDefault = call.version == 0 && given == nil
            if call.version >= 1 {
                result.configSource = given == nil ? ConfigSource.standard : ConfigSource.group
                if request.includeSynonyms {
                    let standard = Synonym(name: name.rawValue, value: name.standard, source: ConfigSource.standard)
                    let own = given.map { Synonym(name: name.rawValue, value: $0, source: ConfigSource.group) }
                    result.synonyms = [own, standard].compactMap(\.self)
                }
            }
            if call.version >= 3 {
                result.configType = (name.isNumber ? TopicConfigs.Kind.int : TopicConfigs.Kind.string).rawValue
            }
            return result
        }
    }

    /// Why a group's settings cannot be changed so; nil when they can.
    func fault(ofSettings changes: [GroupChange], group: String) -> BatchFault? {
        guard !group.isEmpty else { return BatchFault(.invalidRequest, "A group has a name.") }
        for (name, value) in changes {
            guard let setting = GroupSettings.Name(rawValue: name) else {
                return BatchFault(.invalidConfig, "There is no setting \(name.shortened) of groups here.")
            }
            if let value, let words = setting.fault(of: value) { return BatchFault(.invalidConfig, words) }
        }
        return nil
    }

    /// Changes a group's settings, which are valid, and puts them on record.
    /// - Parameters:
    ///   - replaces: whether what is not named goes back to what it is by itself.
    ///   - body: hears whether it is durable.
    func change(
        settingsOf group: String, _ changes: [GroupChange], replaces: Bool, _ body: @escaping (Bool) -> Void
    ) {
        guard let partition = internalPartition(ProducerNumbers.stream) else { return body(false) }
        // Appended within the lock, so that the last record is that of the last change.
        let ticket = peers.withOffsets { table in
            var settings = replaces ? GroupSettings() : table.settings[group]
            for (name, value) in changes { settings.values[name] = value }
            table.settings[group] = settings
            let batch = batch(of: [(GroupSettings.key(of: group), settings.recordValue)])
            return log.append(
                [Append(partition: partition, batch: batch, isAwaited: true, topicHashes: nil)], from: loop)
        }
        appends.add(ticket, .then { body($0 == .stored) })
    }
}
