package duely.judges;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * Reads {@code RULES<tab>FILE} lines and prints one JSON object for each, in their order. One process for many files: the
 * rules cost seconds to load, a file hundredths of one.
 */
final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    // Libraries that print must not end up between the answers.
    var answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    var judges = List.of(new Pdf(), new Xml());
    var json = new ObjectMapper();
    var questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).lines().toList();
    var hands = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
    var verdicts = new ArrayList<Future<Verdict>>();
    for (var question : questions) {
      var parts = question.split("\t", 2);
      verdicts.add(hands.submit(() -> answer(judges, parts[0], Path.of(parts[1]))));
    }
    hands.shutdown();
    for (var verdict : verdicts) {
      answers.println(json.writeValueAsString(verdict.get()));
    }
  }

  private static Verdict answer(List<Judge> judges, String rules, Path file) {
    try {
      for (var judge : judges) {
        if (judge.knows(rules)) {
          return judge.judge(rules, file);
        }
      }
      return Verdict.refused("no such rules: " + rules);
    } catch (Exception | StackOverflowError | OutOfMemoryError error) {
      // A document that breaks its judge is no good document, and the next one is judged all the same.
      return Verdict.refused("cannot be read: " + error);
    }
  }
}
