// Written by 'telex install opencode'. Do not edit.
//
// Brings messages of other sessions into OpenCode's sessions, by telex's hook.
// - While nothing waits, nothing is started: a bell (a file) is tested. Nothing polls.
// - A text counts as handed over when this plugin says "kept", which it does when OpenCode has stored it.
// - A turn that its person stopped, or that failed, proves nothing. After a stop the agent starts again only with the
//   person's next prompt or the next message.
// - A subagent's session has no mail of its own; its shell commands speak for the session above it.
// - Nothing here may disturb OpenCode: every fault ends in silence, and the mail stays for the next moment.
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { appendFileSync, existsSync, mkdirSync, readFileSync, watch, writeFileSync } from "node:fs"
import { isAbsolute } from "node:path"

const INSTALLED = __HOME__
const HOME = process.env.TELEX_HOME || INSTALLED
const BIN = existsSync(`${HOME}/bin/hook.py`) ? `${HOME}/bin` : `${INSTALLED}/bin`
const HOOK = `${BIN}/hook.py`
const PATIENCE_MS = __PATIENCE_MS__ // for the hook
const STORED_MS = __STORED_MS__ // for OpenCode to store a text; counted as not stored too early, it would come twice
const BURST_MS = __BURST_MS__ // what is sent together comes together
const STOPPED = "MessageAbortedError" // what OpenCode calls a stop by its person
const COMMAND = process.argv.slice(2).find((word) => !word.startsWith("-"))
const HEADLESS = COMMAND === "run" // it leaves at the end of a turn: nobody is there to wake
const SERVES = ["serve", "web", "acp"].includes(COMMAND) // several people, or windows, at once

// The first interpreter in telex's list that is there: an upgrade of Python may have moved it since the last time.
const python = () => {
  try {
    return readFileSync(`${BIN}/interpreters`, "utf8").split("\n").find((name) => name && existsSync(name))
  } catch {}
}

const loaded = (globalThis.telexPlugins ??= new Map()) // directory -> the one plugin file that serves it

export const telex = async ({ client, directory }) => {
  if (!isAbsolute(HOME) || !existsSync(HOOK)) return {} // a directory of the project, or telex was taken out
  if ((loaded.get(directory) ?? import.meta.url) !== import.meta.url) return {}
  loaded.set(directory, import.meta.url)

  const sessions = new Map() // id -> { id, bell, busy, held, over, timer, user }
  const parents = new Map() // id -> the session above it, or ""
  const storing = new Map() // id of a part, or of a tool call -> what to do when OpenCode has stored it
  let latest // the session of the newest prompt

  const rings = (session, mark = "bells") => session.bell !== "" && existsSync(`${HOME}/${mark}/${session.bell}`)

  const note = (session, sign) => {
    try {
      appendFileSync(`${HOME}/turns/${session.bell}`, sign, { mode: 0o600 })
    } catch {}
    if (session.asks) waits(session, "")
  }

  // Notes that OpenCode asks its person for an approval, or that nothing is asked any more.
  const waits = (session, sign) => {
    session.asks = sign
    try {
      mkdirSync(`${HOME}/asks`, { recursive: true, mode: 0o700 })
      writeFileSync(`${HOME}/asks/${session.bell}`, sign, { mode: 0o600 })
    } catch {}
  }

  // Whether OpenCode has stored the part, or the result of the tool call, of that id.
  const stored = (id) =>
    new Promise((resolve) => {
      const settle = (kept) => {
        clearTimeout(timer)
        storing.delete(id)
        resolve(kept)
      }
      const timer = setTimeout(() => settle(false), STORED_MS)
      storing.set(id, settle)
    })

  // Waits, but not so long that OpenCode would be held up.
  const patiently = (promise) => Promise.race([promise, new Promise((over) => setTimeout(over, PATIENCE_MS).unref())])

  // Starts the hook for an event. `put` places its text and promises whether OpenCode has stored it.
  // Settled once the text is placed; `session.over` once the hook has ended, with whether the text was kept.
  const hand = (session, event, put, more = {}) =>
    new Promise((placed) => {
      const interpreter = session.over || !existsSync(HOOK) ? undefined : python()
      if (!interpreter) return placed()
      const environment = { ...process.env, TELEX_HOME: HOME }
      const words = ["-I", "-S", HOOK, "opencode", event, String(process.pid)]
      const hook = spawn(interpreter, words, { cwd: "/", env: environment, stdio: ["pipe", "pipe", "ignore"] })
      const timer = setTimeout(() => hook.kill("SIGKILL"), 2 * PATIENCE_MS)
      let said = ""
      let kept = false
      session.over = new Promise((over) => {
        const end = () => {
          clearTimeout(timer)
          session.over = undefined
          placed()
          over(kept)
        }
        hook.on("close", end)
        hook.on("error", end)
      })
      hook.stdin.on("error", () => {})
      hook.stdout.on("data", async (bytes) => {
        said += bytes
        if (!said.endsWith("\n")) return
        try {
          const answer = JSON.parse(said)
          clearTimeout(timer) // from here on the hook waits for OpenCode
          session.bell = answer.bell
          if (!answer.text) return
          const keeping = put(answer.text)
          placed()
          kept = await keeping
        } catch {}
        hook.stdin.end(kept ? "kept" : "")
      })
      hook.stdin.write(JSON.stringify({ session_id: session.id, cwd: directory, ...more }) + "\n")
    })

  // A prompt of telex's own, stored when its part is. With `quietly` it joins the running turn.
  const ask = (session, text, quietly = false) => {
    const id = `prt_telex${randomBytes(12).toString("hex")}`
    const kept = stored(id)
    const prompt = quietly ? client.session.prompt : client.session.promptAsync
    const body = { ...session.user, parts: [{ id, type: "text", text }], ...(quietly ? { noReply: true } : {}) }
    const fail = () => storing.get(id)?.(false)
    prompt.call(client.session, { path: { id: session.id }, body }).then((done) => done.error && fail(), fail)
    return kept
  }

  // Begins a turn with what the hook says at this event, if it says anything.
  const begin = async (session, event, more) => {
    await hand(session, event, (text) => ask(session, text), more)
    if (!(await session.over)) return
    session.held = event === "Idle" // a turn that only goes on because of telex is not held up at its end again
    note(session, "p")
  }

  // The turn was stopped by its person, or the model could not be asked: the end of it proves nothing.
  const stopped = async (session) => {
    if (rings(session) || rings(session, "owed")) await hand(session, "Idle", undefined, { interrupted: true })
  }

  const wake = (session) => {
    if (HEADLESS || session.timer) return
    session.timer = setTimeout(() => {
      session.timer = undefined
      if (!session.busy && !session.over && rings(session)) begin(session, "Wake").catch(() => {})
    }, BURST_MS)
  }

  const idle = async (session) => {
    await session.over
    session.busy = false
    note(session, "s")
    const broken = session.broken
    session.broken = ""
    if (broken) {
      await stopped(session)
      if (broken !== STOPPED && rings(session)) wake(session) // a person's stop starts nothing
      return
    }
    if (!rings(session) && !rings(session, "owed")) return
    await begin(session, "Idle", { stop_hook_active: HEADLESS || session.held })
    if (rings(session)) wake(session)
  }

  const parent = async (id) => {
    if (!parents.has(id)) parents.set(id, (await client.session.get({ path: { id } })).data?.parentID ?? "")
    return parents.get(id)
  }

  const root = async (id) => {
    for (let above = await parent(id); above; above = await parent(id)) id = above
    return id
  }

  // A new conversation in a terminal takes over from the one before it, unless that still works.
  const follow = () => {
    if (SERVES || HEADLESS || !latest || latest.busy || !sessions.delete(latest.id)) return "startup"
    return "clear"
  }

  const leave = async (session, reason) => {
    sessions.delete(session.id)
    await patiently(session.over)
    await hand(session, "SessionEnd", undefined, { reason })
  }

  const watcher = (() => {
    if (HEADLESS) return undefined
    try {
      mkdirSync(`${HOME}/bells`, { recursive: true, mode: 0o700 })
      const bells = watch(`${HOME}/bells`, (_, bell) => {
        for (const session of sessions.values()) if (session.bell === bell && rings(session)) wake(session)
      })
      return bells.on("error", () => {})
    } catch {}
  })()

  const asks = async (id, sign) => {
    const session = sessions.get(await root(id))
    if (session?.bell) waits(session, sign)
  }

  const events = {
    "permission.asked": ({ sessionID }) => asks(sessionID, "w"),
    "permission.replied": ({ sessionID }) => asks(sessionID, ""),
    "session.created": ({ info }) => parents.set(info.id, info.parentID ?? ""),
    "session.deleted": ({ info }) => sessions.has(info.id) && leave(sessions.get(info.id), "deleted"),
    "session.error": ({ sessionID, error }) => {
      const session = sessions.get(sessionID)
      if (session && error) session.broken = error.name
    },
    "session.idle": ({ sessionID }) => sessions.has(sessionID) && idle(sessions.get(sessionID)),
    "message.part.updated": ({ part }) => {
      const settle = storing.get(part.id) ?? storing.get(part.callID)
      const status = part.type === "tool" ? part.state.status : "completed"
      if (status === "completed" || status === "error") settle?.(status === "completed")
    },
  }

  return {
    event: async ({ event }) => {
      try {
        events[event.type]?.(event.properties)?.catch?.(() => {}) // OpenCode is not kept waiting
      } catch {}
    },

    "chat.message": async ({ sessionID }, { message, parts }) => {
      try {
        if (await parent(sessionID)) return
        const known = sessions.has(sessionID)
        const source = known ? "" : follow()
        if (!known) sessions.set(sessionID, { id: sessionID, bell: "" })
        const session = sessions.get(sessionID)
        const { agent, model } = message
        session.user = { agent, model: model && { providerID: model.providerID, modelID: model.modelID } }
        session.busy = true
        if (parts.some((part) => storing.has(part.id))) return // telex's own: it is noted when it is recorded
        session.held = false
        session.broken = ""
        latest = session
        if (known) note(session, "p")
        if (!known || rings(session) || rings(session, "news")) {
          const put = (text) => {
            const id = `prt_telex${randomBytes(12).toString("hex")}`
            parts.push({ id, sessionID, messageID: message.id, type: "text", text, synthetic: true })
            return stored(id)
          }
          await hand(session, known ? "Prompt" : "SessionStart", put, { source, one_shot: HEADLESS })
        }
        if (!known) note(session, "p")
      } catch {}
    },

    "tool.execute.after": async ({ sessionID, callID }, output) => {
      try {
        const session = sessions.get(sessionID)
        if (!session || !rings(session)) return
        await hand(session, "Tool", (text) => {
          // In front, because a long result of an MCP server is cut at its end after this.
          if (Array.isArray(output.content)) output.content.unshift({ type: "text", text })
          else output.output = `${output.output ?? ""}\n${text}`
          return stored(callID)
        })
      } catch {}
    },

    "experimental.text.complete": async ({ sessionID }) => {
      try {
        const session = sessions.get(sessionID)
        if (!session || !rings(session)) return
        await hand(session, "Answer", (text) => ask(session, text, true))
        await patiently(session.over) // the turn goes on only if the prompt is there when this returns
      } catch {}
    },

    "shell.env": async ({ sessionID }, { env }) => {
      try {
        env.PATH = `${BIN}:${env.PATH ?? process.env.PATH}`
        if (sessionID) env.OPENCODE_SESSION_ID = await root(sessionID)
      } catch {}
    },

    dispose: async () => {
      watcher?.close()
      await Promise.all([...sessions.values()].map((session) => leave(session, "closed")))
      loaded.delete(directory)
    },
  }
}
