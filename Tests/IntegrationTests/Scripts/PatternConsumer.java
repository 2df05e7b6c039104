import java.time.Duration;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;

/** Apache Kafka's consumer with a pattern that the broker matches: prints each of the topics of COUNT records once. */
public class PatternConsumer {
    public static void main(String[] arguments) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("group.id", "java");
        settings.put("group.protocol", "consumer");
        settings.put("auto.offset.reset", "earliest");
        String text = "org.apache.kafka.common.serialization.StringDeserializer";
        settings.put("key.deserializer", text);
        settings.put("value.deserializer", text);
        int wanted = Integer.parseInt(arguments[2]);
        TreeSet<String> topics = new TreeSet<>();
        long end = System.nanoTime() + 90_000_000_000L;
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings)) {
            consumer.subscribe(new SubscriptionPattern(arguments[1]));
            int count = 0;
            while (count < wanted && System.nanoTime() < end) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    topics.add(record.topic());
                    count++;
                }
            }
        }
        topics.forEach(System.out::println);
    }
}
