import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/** Lets Kafka write values drawn from a seed. Arguments: the definitions, a list of "file lowest highest", the output. */
public class VectorMaker {
    static final ObjectMapper mapper = new ObjectMapper().enable(JsonParser.Feature.ALLOW_COMMENTS);
    static Random random;
    static int unique;
    static Map<String, JsonNode> shared;

    public static void main(String[] arguments) throws Exception {
        try (PrintStream out = new PrintStream(arguments[2], "UTF-8")) {
            out.println("# Written by Apache Kafka's own classes (see make). Message, version, bytes, values.");
            for (String line : Files.readAllLines(Path.of(arguments[1]))) {
                String[] parts = line.split(" ");
                JsonNode definition = mapper.readTree(new File(arguments[0], parts[0]));
                int lowest = Math.max(Integer.parseInt(parts[1]), lowest(definition.get("validVersions").asText()));
                for (int version = lowest; version <= Integer.parseInt(parts[2]); version++)
                    for (int seed = 0; seed < 3; seed++) vector(out, definition, (short) version, seed);
            }
        }
    }

    static void vector(PrintStream out, JsonNode definition, short version, int seed) throws Exception {
        String name = definition.get("name").asText();
        random = new Random(name.hashCode() * 31L + version * 7L + seed);
        unique = 0;
        shared = new HashMap<>();
        if (definition.has("commonStructs"))
            for (JsonNode struct : definition.get("commonStructs"))
                shared.put(struct.get("name").asText(), struct.get("fields"));
        JsonNode values = struct(definition.get("fields"), version, seed > 0);
        String type = definition.get("type").asText();
        String className = type.startsWith("coordinator")
            ? "org.apache.kafka.coordinator.group.generated." + name
            : "org.apache.kafka.common.message." + name + (type.equals("data") ? "" : "Data");
        Message message = (Message) Class.forName(className + "JsonConverter")
            .getMethod("read", JsonNode.class, short.class).invoke(null, values, version);
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        out.println(name + " " + version + " " + HexFormat.of().formatHex(buffer.array()) + " " + values);
    }

    /** A value of each field that the version has; of tagged fields only where {@code all} or a coin says so. */
    static ObjectNode struct(JsonNode fields, short version, boolean all) {
        ObjectNode node = mapper.createObjectNode();
        for (JsonNode field : fields) {
            if (!in(field.get("versions").asText(), version)) continue;
            if (field.has("taggedVersions") && in(field.get("taggedVersions").asText(), version) && !all
                && random.nextBoolean()) continue;
            String name = field.get("name").asText();
            String key = name.substring(0, 1).toLowerCase() + name.substring(1);
            if (field.has("fields")) {
                String type = field.get("type").asText();
                shared.put(type.startsWith("[]") ? type.substring(2) : type, field.get("fields"));
            }
            boolean nullable = field.has("nullableVersions") && in(field.get("nullableVersions").asText(), version);
            if (nullable && random.nextInt(all ? 6 : 2) == 0) node.putNull(key);
            else node.set(key, value(field, field.get("type").asText(), version, all));
        }
        return node;
    }

    static JsonNode value(JsonNode field, String type, short version, boolean all) {
        boolean isKey = field.has("mapKey");
        switch (type) {
            case "bool": return mapper.getNodeFactory().booleanNode(random.nextBoolean());
            case "int8": return mapper.getNodeFactory().numberNode((int) (isKey ? ++unique : number(8)));
            case "int16": return mapper.getNodeFactory().numberNode((int) (isKey ? ++unique : number(16)));
            case "uint16": return mapper.getNodeFactory().numberNode((int) (number(16) & 0xFFFF));
            case "int32": return mapper.getNodeFactory().numberNode((int) (isKey ? ++unique : number(32)));
            case "uint32": return mapper.getNodeFactory().numberNode(number(32) & 0xFFFFFFFFL);
            case "int64": return mapper.getNodeFactory().numberNode(isKey ? ++unique : number(64));
            case "float64": return mapper.getNodeFactory().numberNode(random.nextInt(2000000) / 64.0 - 10000);
            case "string": return mapper.getNodeFactory().textNode(text(isKey, all));
            case "uuid": return mapper.getNodeFactory().textNode(
                Base64.getUrlEncoder().withoutPadding().encodeToString(bytes(16)));
            case "bytes":
            case "records": return mapper.getNodeFactory().textNode(
                Base64.getEncoder().encodeToString(bytes(all ? random.nextInt(10) : random.nextInt(3))));
            default:
        }
        if (type.startsWith("[]")) {
            ArrayNode array = mapper.createArrayNode();
            int count = all ? 1 + random.nextInt(2) : random.nextInt(4) == 0 ? 0 : 1;
            for (int i = 0; i < count; i++) array.add(value(mapper.createObjectNode(), type.substring(2), version, all));
            return array;
        }
        return struct(shared.get(type), version, all);
    }

    static long number(int bits) {
        long min = -1L << (bits - 1);
        List<Long> edges = List.of(0L, 1L, -1L, min, ~min);
        return random.nextInt(4) == 0 ? edges.get(random.nextInt(5)) : random.nextLong() >> (64 - bits);
    }

    static byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    static String text(boolean isKey, boolean all) {
        StringBuilder text = new StringBuilder(isKey ? "k" + ++unique : "");
        int count = all ? random.nextInt(9) : random.nextInt(3);
        for (int i = 0; i < count; i++) text.appendCodePoint("abcxyz019-_./\u00e9\u6f22".codePointAt(random.nextInt(15)));
        // A compact length of two bytes, now and then.
        if (all && random.nextInt(40) == 0) text.append("long".repeat(40));
        return text.toString();
    }

    static boolean in(String versions, int version) {
        if (versions.equals("none")) return false;
        if (versions.endsWith("+")) return version >= lowest(versions);
        String[] ends = versions.split("-");
        return version >= Integer.parseInt(ends[0]) && version <= Integer.parseInt(ends[ends.length - 1]);
    }

    static int lowest(String versions) { return Integer.parseInt(versions.split("[-+]")[0]); }
}
