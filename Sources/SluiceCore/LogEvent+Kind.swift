extension LogEvent {
    /// How severe it is, always.
    package var severity: LogSeverity {
        switch self {
        case .dataOpened, .listenerOpened, .memoryPlanned, .connectionsBounded, .nodeStopping, .nodeStopped,
            .takeoverUnneeded, .takeoverBegun, .reloadApplied, .linesLeftOut, .connectionRefused, .connectionFailed,
            .connectionFailuresLeftOut, .regionFailed, .handoverDone, .clientRefused, .clientClosed,
            .clientLinesLeftOut, .accessDenied, .streamAccessLost, .publishRefused, .publishShed,
            .subscriptionRefused, .replayMisasked, .willRefused, .willLost, .readerEnded, .groupStreamGone,
            .kafkaMemberRefused, .kafkaCredentialChanged, .kafkaTransactionExpired, .kafkaStreamMade,
            .kafkaStreamDeleted, .kafkaStreamNotMade, .recoveryNote, .bridgeConnected, .bridgeCatchingUp:
            .info
        case .streamDiffers, .retentionRescoped, .configurationDoubtful, .listenerOpen, .listenerUnusable,
            .secretExposed, .certificateEnding, .reloadIncomplete, .statePassedOver, .readyFileFailed,
            .coreLimitFailed, .supervisorUntold, .addressBanned, .connectionsExhausted, .acceptFailed,
            .handoverFailed, .handoverMisunderstood, .handoverUnavailable, .subscriptionLost, .answerUnsent,
            .willFailed, .groupPartitionMissing, .batchPassedOver, .traceFailed, .kafkaClientClosed,
            .kafkaAccessDenied, .httpRequestRefused, .httpClientClosed, .httpSessionClosed, .httpBatchPassedOver,
            .recoveryDamage, .publishesRefused, .publishesResumed, .cleanStopFailed, .topicIndexFailed,
            .topicIndexDamaged, .historyUnreadable, .damagePassedOver, .readLinesLeftOut, .housekeepingDelayed,
            .segmentDamaged, .clockJumped, .spaceUnmeasured, .reserveFailed, .bridgeLost, .bridgeHeld,
            .bridgeOvertaken, .bridgeRecordsLost, .bridgeDamagePassedOver, .bridgeBatchPassedOver,
            .bridgeMessageRefused, .bridgeMessageUntaken, .bridgeMessageLooped, .bridgeSubscriptionRefused,
            .bridgeStateUntold, .bridgeWarned, .bridgeNotesFailed, .bridgeCheckpointDamaged, .deviceBatchPassedOver,
            .letterBatchPassedOver:
            .warning
        case .reloadRefused, .auditFailed, .logPoisoned: .error
        }
    }

    /// What part of the node it is of.
    package var part: LogPart {
        switch self {
        case .dataOpened, .listenerOpened, .memoryPlanned, .connectionsBounded, .nodeStopping, .nodeStopped,
            .takeoverUnneeded, .takeoverBegun, .streamDiffers, .retentionRescoped, .configurationDoubtful,
            .listenerOpen, .listenerUnusable, .secretExposed, .certificateEnding, .reloadApplied, .reloadIncomplete,
            .reloadRefused, .statePassedOver, .readyFileFailed, .coreLimitFailed, .supervisorUntold, .auditFailed,
            .linesLeftOut:
            .node
        case .addressBanned, .connectionRefused, .connectionFailed, .connectionFailuresLeftOut,
            .connectionsExhausted, .acceptFailed, .regionFailed, .handoverDone, .handoverFailed,
            .handoverMisunderstood, .handoverUnavailable:
            .network
        case .clientRefused, .clientClosed, .clientLinesLeftOut, .accessDenied, .streamAccessLost, .publishRefused,
            .publishShed, .subscriptionRefused, .subscriptionLost, .replayMisasked, .answerUnsent, .willRefused,
            .willFailed, .willLost, .readerEnded, .groupStreamGone, .groupPartitionMissing, .batchPassedOver,
            .traceFailed:
            .mqtt
        case .kafkaClientClosed, .kafkaAccessDenied, .kafkaMemberRefused, .kafkaCredentialChanged,
            .kafkaTransactionExpired, .kafkaStreamMade, .kafkaStreamDeleted, .kafkaStreamNotMade:
            .kafka
        case .httpRequestRefused, .httpClientClosed, .httpSessionClosed, .httpBatchPassedOver: .http
        case .recoveryNote, .recoveryDamage, .logPoisoned, .publishesRefused, .publishesResumed, .cleanStopFailed,
            .topicIndexFailed, .topicIndexDamaged, .historyUnreadable, .damagePassedOver, .readLinesLeftOut,
            .housekeepingDelayed, .segmentDamaged, .clockJumped, .spaceUnmeasured, .reserveFailed:
            .log
        case .bridgeConnected, .bridgeLost, .bridgeHeld, .bridgeCatchingUp, .bridgeOvertaken, .bridgeRecordsLost,
            .bridgeDamagePassedOver, .bridgeBatchPassedOver, .bridgeMessageRefused, .bridgeMessageUntaken,
            .bridgeMessageLooped, .bridgeSubscriptionRefused, .bridgeStateUntold, .bridgeWarned, .bridgeNotesFailed,
            .bridgeCheckpointDamaged:
            .bridges
        case .deviceBatchPassedOver, .letterBatchPassedOver: .devices
        }
    }
}
