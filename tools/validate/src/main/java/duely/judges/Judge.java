package duely.judges;

import java.nio.file.Path;

/** One set of rules, asked about one file after the other. */
interface Judge {
  /** Whether it knows these rules, as in {@code 3a} or {@code eu.cen.en16931:cii:1.3.16}. */
  boolean knows(String rules);

  Verdict judge(String rules, Path file) throws Exception;
}
