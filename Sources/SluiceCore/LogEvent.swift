/// What a log line is of, by a name that stays: scripts and alerts know a line by it. docs/LOGS.md has a row for each.
package enum LogEvent: String, CaseIterable, Sendable {
    // MARK: Of the node

    /// The data directory is open, and the node listens.
    case dataOpened = "data_opened"
    /// A listener takes connections.
    case listenerOpened = "listener_opened"
    /// How the process's memory is shared out.
    case memoryPlanned = "memory_planned"
    /// There are fewer open files than the configured connections need.
    case connectionsBounded = "connections_bounded"
    /// The node stops.
    case nodeStopping = "node_stopping"
    /// The node has stopped.
    case nodeStopped = "node_stopped"
    /// Nobody runs on the data directory that could be taken over.
    case takeoverUnneeded = "takeover_unneeded"
    /// Another process's sockets are taken over.
    case takeoverBegun = "takeover_begun"
    /// A stream of the directory differs from the configured one.
    case streamDiffers = "stream_differs"
    /// A stream's `retention: size` counts for each partition.
    case retentionRescoped = "retention_rescoped"
    /// Something in the configuration is hardly what is meant.
    case configurationDoubtful = "configuration_doubtful"
    /// Everybody who reaches a listener is let in.
    case listenerOpen = "listener_open"
    /// A listener lets nobody in.
    case listenerUnusable = "listener_unusable"
    /// A file with secrets can be read by others.
    case secretExposed = "secret_exposed"
    /// A certificate has ended or soon will.
    case certificateEnding = "certificate_ending"
    /// The configuration was read again.
    case reloadApplied = "reload_applied"
    /// The configuration was read again, and something of it waits for a restart.
    case reloadIncomplete = "reload_incomplete"
    /// The new configuration has errors, and the running one stays.
    case reloadRefused = "reload_refused"
    /// Records of the broker's own state are not understood.
    case statePassedOver = "state_passed_over"
    /// The file that tells scripts where the broker listens cannot be written.
    case readyFileFailed = "ready_file_failed"
    /// Core files cannot be refused.
    case coreLimitFailed = "core_limit_failed"
    /// The supervisor cannot be told how it goes.
    case supervisorUntold = "supervisor_untold"
    /// The record of who came cannot be written.
    case auditFailed = "audit_failed"
    /// Lines that came again and again were left out.
    case linesLeftOut = "lines_left_out"

    // MARK: Of the network

    /// An address is kept out.
    case addressBanned = "address_banned"
    /// A connection is not let in.
    case connectionRefused = "connection_refused"
    /// A connection failed below its protocol.
    case connectionFailed = "connection_failed"
    /// Lines about failed connections were left out.
    case connectionFailuresLeftOut = "connection_failures_left_out"
    /// There are as many connections as may be.
    case connectionsExhausted = "connections_exhausted"
    /// The system gives no more connections.
    case acceptFailed = "accept_failed"
    /// A part of a file cannot be sent.
    case regionFailed = "region_failed"
    /// Another process has the listening sockets.
    case handoverDone = "handover_done"
    /// Another process does not get the listening sockets.
    case handoverFailed = "handover_failed"
    /// What came to the mailbox of a handover is no request.
    case handoverMisunderstood = "handover_misunderstood"
    /// No other process can take over.
    case handoverUnavailable = "handover_unavailable"

    // MARK: Of MQTT clients

    /// A client is turned away.
    case clientRefused = "client_refused"
    /// A client's connection is closed for a reason.
    case clientClosed = "client_closed"
    /// Lines about clients were left out.
    case clientLinesLeftOut = "client_lines_left_out"
    /// A client may not do what it asks for.
    case accessDenied = "access_denied"
    /// A member of a group may not read its stream any more.
    case streamAccessLost = "stream_access_lost"
    /// A message is not taken.
    case publishRefused = "publish_refused"
    /// Messages of QoS 0 of a client that publishes too fast are dropped.
    case publishShed = "publish_shed"
    /// A subscription is refused.
    case subscriptionRefused = "subscription_refused"
    /// A stored subscription cannot be made again.
    case subscriptionLost = "subscription_lost"
    /// Properties of a replay came without a replay.
    case replayMisasked = "replay_misasked"
    /// An answer is larger than its client takes.
    case answerUnsent = "answer_unsent"
    /// A will is not published.
    case willRefused = "will_refused"
    /// A will cannot be read.
    case willFailed = "will_failed"
    /// A will could not be stored.
    case willLost = "will_lost"
    /// A reader's stream was deleted.
    case readerEnded = "reader_ended"
    /// The stream that a member of a group wants was deleted.
    case groupStreamGone = "group_stream_gone"
    /// A member of a group is given a partition that there is not.
    case groupPartitionMissing = "group_partition_missing"
    /// A batch of the log cannot be read for clients.
    case batchPassedOver = "batch_passed_over"
    /// What a traced client is sent cannot be told.
    case traceFailed = "trace_failed"

    // MARK: Of Kafka clients

    /// A Kafka client's connection is closed for a reason.
    case kafkaClientClosed = "kafka_client_closed"
    /// A Kafka client may not do what it asks for.
    case kafkaAccessDenied = "kafka_access_denied"
    /// A member of a group says too much of itself.
    case kafkaMemberRefused = "kafka_member_refused"
    /// A credential was set or deleted.
    case kafkaCredentialChanged = "kafka_credential_changed"
    /// A transaction has taken too long.
    case kafkaTransactionExpired = "kafka_transaction_expired"
    /// A Kafka client has made a stream.
    case kafkaStreamMade = "kafka_stream_made"
    /// A Kafka client has deleted a stream.
    case kafkaStreamDeleted = "kafka_stream_deleted"
    /// A stream that a Kafka client asks for cannot be made.
    case kafkaStreamNotMade = "kafka_stream_not_made"

    // MARK: Of HTTP clients

    /// A request cannot be read.
    case httpRequestRefused = "http_request_refused"
    /// A client takes its answer too slowly.
    case httpClientClosed = "http_client_closed"
    /// The broker's answer to an HTTP session is not understood.
    case httpSessionClosed = "http_session_closed"
    /// A batch of the log cannot be read for HTTP.
    case httpBatchPassedOver = "http_batch_passed_over"

    // MARK: Of the log

    /// What recovery has put right.
    case recoveryNote = "recovery_note"
    /// What recovery has found damaged.
    case recoveryDamage = "recovery_damage"
    /// A write has failed, and nothing is acknowledged any more.
    case logPoisoned = "log_poisoned"
    /// There is no space, or nothing else that writing needs.
    case publishesRefused = "publishes_refused"
    /// What was wanting is there again.
    case publishesResumed = "publishes_resumed"
    /// The stop could not be completed, and the next start recovers.
    case cleanStopFailed = "clean_stop_failed"
    /// A topic index cannot be written.
    case topicIndexFailed = "topic_index_failed"
    /// A topic index does not fit its segment.
    case topicIndexDamaged = "topic_index_damaged"
    /// A read of old records has failed.
    case historyUnreadable = "history_unreadable"
    /// Damaged bytes were passed over by a read.
    case damagePassedOver = "damage_passed_over"
    /// Lines about reads were left out.
    case readLinesLeftOut = "read_lines_left_out"
    /// Retention or compaction goes on later.
    case housekeepingDelayed = "housekeeping_delayed"
    /// Housekeeping has found a damaged segment.
    case segmentDamaged = "segment_damaged"
    /// The clock has jumped ahead.
    case clockJumped = "clock_jumped"
    /// What the data directory takes cannot be measured for now.
    case spaceUnmeasured = "space_unmeasured"
    /// The reserve of space cannot be held or given up.
    case reserveFailed = "reserve_failed"

    // MARK: Of bridges

    /// A bridge is connected.
    case bridgeConnected = "bridge_connected"
    /// A bridge has no connection.
    case bridgeLost = "bridge_lost"
    /// A bridge has found a loop, and stays away.
    case bridgeHeld = "bridge_held"
    /// A bridge has much behind it, and goes on at a pace.
    case bridgeCatchingUp = "bridge_catching_up"
    /// Retention is about to overtake a bridge.
    case bridgeOvertaken = "bridge_overtaken"
    /// Retention took what a bridge had not looked at.
    case bridgeRecordsLost = "bridge_records_lost"
    /// Damaged bytes were passed over by a bridge.
    case bridgeDamagePassedOver = "bridge_damage_passed_over"
    /// A batch of the log cannot be read for a bridge.
    case bridgeBatchPassedOver = "bridge_batch_passed_over"
    /// The upstream does not take a message.
    case bridgeMessageRefused = "bridge_message_refused"
    /// This node does not take a message of the upstream.
    case bridgeMessageUntaken = "bridge_message_untaken"
    /// A message has passed too many bridges.
    case bridgeMessageLooped = "bridge_message_looped"
    /// The upstream refuses a subscription.
    case bridgeSubscriptionRefused = "bridge_subscription_refused"
    /// A bridge's state cannot be published here.
    case bridgeStateUntold = "bridge_state_untold"
    /// The upstream, or its library, has something to say.
    case bridgeWarned = "bridge_warned"
    /// The notes of a bridge cannot be kept.
    case bridgeNotesFailed = "bridge_notes_failed"
    /// The checkpoint of a bridge is not understood.
    case bridgeCheckpointDamaged = "bridge_checkpoint_damaged"

    // MARK: Of devices

    /// A batch of the log cannot be read for devices.
    case deviceBatchPassedOver = "device_batch_passed_over"
    /// A batch of dead letters cannot be read.
    case letterBatchPassedOver = "letter_batch_passed_over"
}
